import { expect, it } from 'vitest'
import { checkLines } from '../../../../hosts/cli/commands/doctor.ts'
import { ok, warn } from '../../../../hosts/cli/doctor/check.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'

const WORDS = 'available; it does not isolate: agents can do what you can do'
const checks = [ok('sandbox process', WORDS), warn('git', 'not there', 'Install it.')]

it('keeps what it says of each thing in a column', () => {
  expect(checkLines(checks, makeStyle({ isTTY: true, columns: 60 }, { NO_COLOR: '1' }))).toEqual([
    '✓ sandbox process  available; it does not isolate: agents',
    '                   can do what you can do',
    '– git              not there',
    '                   Install it.',
  ])
  expect(checkLines(checks, makeStyle({}, {}))[0]).toBe(`✓ sandbox process  ${WORDS}`)
})
