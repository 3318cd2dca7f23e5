/** Our requests to an agent over ACP, without a program: one at a time, made again when a crash may have lost one. */
import { expect, it } from 'vitest'
import { Calls } from '../../../plugins/acp/calls.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { ScriptedConnection, type ScriptedOptions } from '../../helpers/scripted-connection.ts'

const NAMES = { title: 'An agent', program: 'agent', install: 'Install it.' }
const PROMPT = { id: 'troupe-4', method: 'session/prompt', params: { sessionId: 's', prompt: [] } }

function continued(options: Partial<ScriptedOptions> = {}) {
  const connection = new ScriptedConnection({ session: makeSession('acp'), ...options })
  const calls = new Calls(connection, NAMES, { made: 4, pending: PROMPT, hasArrived: false })
  calls.resume()
  return { connection, calls }
}

const methodsOf = ({ written }: ScriptedConnection): string[] =>
  written.map((line) => /"method":"([^"]+)"/.exec(line)?.[1] ?? '')

it('a prompt of which nothing is heard after a crash is cancelled, and made again', async () => {
  const { connection, calls } = continued()
  connection.expire()
  expect(methodsOf(connection)).toEqual(['session/cancel'])
  expect(calls.settle({ kind: 'result', id: 'troupe-4', result: { stopReason: 'cancelled' } })).toBeUndefined()
  await expect.poll(() => methodsOf(connection)).toEqual(['session/cancel', 'session/prompt'])
  expect(calls.save()).toMatchObject({ made: 5, pending: { id: 'troupe-5' } })
})

it('one that ended well meanwhile is not, and what fails after it has failed', () => {
  const { connection, calls } = continued()
  connection.expire()
  expect(calls.settle({ kind: 'result', id: 'troupe-4', result: { stopReason: 'end_turn' } })).toEqual(PROMPT)
  calls.make('session/prompt', PROMPT.params)
  const failed = { kind: 'failure', id: 'troupe-5', failure: { code: 1, message: 'no quota' } } as const
  expect(calls.settle(failed)).toMatchObject({ id: 'troupe-5' })
})

it('a prompt is not written when the session stops before it is committed', async () => {
  const gate = Promise.withResolvers<void>()
  const { connection, calls } = continued({ committed: () => gate.promise })
  calls.make('session/prompt', PROMPT.params)
  connection.isOpen = false
  gate.resolve()
  await gate.promise
  await new Promise((resolve) => setImmediate(resolve))
  expect(connection.written).toEqual([])
})
