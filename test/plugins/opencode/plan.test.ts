/** Plans of OpenCode and what people say about them, without a program. */
import { expect, it } from 'vitest'
import { OpenCodeConversation } from '../../../plugins/opencode/conversation.ts'
import { beginning } from '../../../plugins/opencode/memory.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { ScriptedConnection } from '../../helpers/scripted-connection.ts'

const session = makeSession('opencode', { permissionMode: 'plan' })
const IDLE = JSON.stringify({ event: { type: 'session.idle', properties: { sessionID: 'ses_1' } } })

/** It has planned, and is about to be idle. */
function begin(answers: readonly string[]) {
  const connection = new ScriptedConnection({ session, answers })
  const { state, ...memory } = beginning(session)
  const conversation = new OpenCodeConversation(connection, {
    ...memory,
    phase: { kind: 'talking' },
    sayings: [],
    state: {
      ...state,
      opened: { sessionId: 'ses_1', since: 0 },
      last: { id: 'msg_1', answered: true },
      lastText: 'First this, then that.',
    },
  })
  conversation.hear(IDLE)
  return { connection, conversation }
}

it('a plan that is not wanted is the end, and so is none of it', async () => {
  const { connection } = begin(['Reject'])
  await expect.poll(() => connection.ended).toMatchObject({ kind: 'complete', summary: 'First this, then that.' })
  expect(connection.written).toEqual([])
})

it('what a person wants instead is said, and the plan is asked about anew when that leads to nothing', async () => {
  const { connection } = begin(['Another way'])
  await expect.poll(() => connection.written.join()).toContain('Another way')
  connection.expire()
  await expect.poll(() => connection.asked.length).toBe(2)
  const [first, second] = connection.asked
  expect(second).toMatchObject({ kind: 'plan', question: 'First this, then that.' })
  expect(second?.key).not.toBe(first?.key)
})

it('a plan is asked about under the same key when the session is continued', async () => {
  const { connection, conversation } = begin([])
  await expect.poll(() => connection.asked.length).toBe(1)
  const next = new ScriptedConnection({ session: { ...session, checkpoint: {} }, answers: ['Approve'] })
  new OpenCodeConversation(next, structuredClone(conversation.save())).begin()
  await expect.poll(() => next.written.join()).toContain('Carry out the plan.')
  expect(next.asked[0]?.key).toBe(connection.asked[0]?.key)
})
