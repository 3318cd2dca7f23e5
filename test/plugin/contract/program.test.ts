/** What is said of a program that ended before its turn was over. */
import { expect, test } from 'vitest'
import { toExitError } from '../../../core/plugin/contract/index.ts'

const names = { title: 'Parrot', program: 'parrot', install: 'Install it with `get parrot`.' }

test('a program that a shell cannot find is not installed', () => {
  expect(toExitError(names, { code: 127 }, { anything: false, stderr: 'sh: parrot: not found' })).toEqual({
    kind: 'error',
    code: 'AGENT_NOT_INSTALLED',
    message: 'Parrot (parrot) cannot be started. It printed: sh: parrot: not found. Install it with `get parrot`.',
  })
})

test('a program that spoke before it ended with such a code has ended', () => {
  expect(toExitError(names, { code: 127 }, { anything: true, stderr: '' })).toMatchObject({
    code: 'AGENT_EXITED',
    message: 'Parrot (parrot) ended with exit code 127 before it gave a result. It printed no error.',
  })
})
