import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeEffectHandlers } from '../../core/engine/effect-handlers.ts'
import { recoverSessions } from '../../core/engine/recovery.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { readMessages } from '../../core/store/messages.ts'
import { getSession } from '../../core/store/sessions.ts'
import { sqlite } from '../helpers/databases.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

async function runningSession(bench: Workbench) {
  const engine = bench.engine()
  const taskId = await bench.addTask(engine)
  const sessionId = newId()
  await engine.command(taskId, { type: 'start' })
  await engine.tell(taskId, { type: 'assign', sessionId, workerId: bench.sample.workerId })
  await engine.idle()
  await engine.tell(sessionId, { type: 'started' })
  return { engine, taskId, sessionId }
}

const deps = (bench: Workbench) => ({ store: bench.sample.store, clock: systemClock, logger: silentLogger })
const error = { type: 'error', json: '{"type":"error","message":"x"}' } as const

describe('a start after a crash', () => {
  test('loses a session without an end, says so in its log once, and queues its task', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    await recoverSessions({ ...deps(bench), log, engine, startsSessions: true })
    await recoverSessions({ ...deps(bench), log, engine, startsSessions: true })
    await engine.idle()
    expect((await bench.task(taskId)).status).toBe('queued')
    const page = { sessionId, after: 0, limit: 10, maxBytes: 1e6 }
    const messages = await bench.sample.store.read((tx) => readMessages(tx, page))
    expect(messages.map(({ json }) => JSON.parse(json))).toMatchObject([
      { seq: 1, type: 'start' },
      { seq: 2, type: 'userMessage', content: 'do it' },
      { seq: 3, type: 'error', code: 'SESSION_LOST' },
    ])
  })

  test('takes the end that was stored with the closing message, and runs nothing twice', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'completed', endCommit: 'abc' } })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [error], progress })
    await recoverSessions({ ...deps(bench), log, engine, startsSessions: true })
    await engine.idle()
    expect(await bench.task(taskId)).toMatchObject({ status: 'in_review', endCommit: 'abc' })
  })

  test('does not begin a session again that has ended, when its effect comes once more', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, sessionId } = await runningSession(bench)
    await engine.tell(sessionId, { type: 'ended', outcome: 'completed' })
    expect(await bench.sample.store.read((tx) => getSession(tx, sessionId))).toMatchObject({ status: 'completed' })
    const begun: string[] = []
    const refuse = () => Promise.reject(new Error('not asked for'))
    const runner = {
      start: async (spec: { sessionId: string }) => void begun.push(spec.sessionId),
      stop: refuse,
      answer: refuse,
      send: refuse,
    }
    const workspace = {} as Parameters<typeof makeEffectHandlers>[0]['workspace']
    const handlers = makeEffectHandlers({ ...deps(bench), runner, workspace, poke() {} })(engine)
    await handlers.startSession({ sessionId }, { id: newId() })
    expect(begun).toEqual([])
  })
})
