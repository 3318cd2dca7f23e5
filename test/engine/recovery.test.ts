import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeEffectHandlers } from '../../core/engine/effect-handlers.ts'
import type { SessionSpec } from '../../core/engine/ports.ts'
import { recoverSessions } from '../../core/engine/recovery.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { getSession, getSessionStart } from '../../core/store/sessions.ts'
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
const text = { type: 'text', json: '{"type":"text","content":"x"}' } as const

/** A runner that only notes what it is given, and has no session. */
function makeRunner() {
  const recovered: SessionSpec[] = []
  const started: string[] = []
  const runner = {
    recover: (specs: readonly SessionSpec[]) => void recovered.push(...specs),
    start: async ({ sessionId }: SessionSpec) => void started.push(sessionId),
    stop: async (sessionId: string) => started.includes(sessionId),
    answer: async (sessionId: string) => started.includes(sessionId),
    send: async (sessionId: string) => started.includes(sessionId),
  }
  return { recovered, started, runner }
}

/** What the effects need beside the runner; nothing here asks for it. */
const workspace = {} as Parameters<typeof makeEffectHandlers>[0]['workspace']
const effect = () => ({ id: newId(), signal: new AbortController().signal })

describe('a start after a crash', () => {
  test('gives the runner each live session with all that is stored of it', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    const question = { questionId: newId(), kind: 'question', question: 'Why?' } as const
    await engine.tell(sessionId, { type: 'asked', question })
    await using log = openSessionLog(deps(bench))
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress: '{"checkpoint":1}' })
    const { runner, recovered } = makeRunner()
    await recoverSessions({ ...deps(bench), engine, runner, startsSessions: true })
    expect(recovered).toMatchObject([
      {
        sessionId,
        prompt: 'do it',
        lastSeq: 1,
        progress: '{"checkpoint":1}',
        stopping: false,
        questions: [{ id: question.questionId, status: 'pending' }],
        place: { taskId },
      },
    ])
  })

  test('says which session was told to stop', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, sessionId } = await runningSession(bench)
    await engine.tell(sessionId, { type: 'stop' })
    const { runner, recovered } = makeRunner()
    await recoverSessions({ ...deps(bench), engine, runner, startsSessions: true })
    expect(recovered).toMatchObject([{ sessionId, stopping: true }])
  })

  test('takes the end that was stored with the closing message, and runs nothing twice', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'completed', endCommit: 'abc' } })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress })
    const { runner, recovered } = makeRunner()
    await recoverSessions({ ...deps(bench), engine, runner, startsSessions: true })
    await engine.idle()
    expect(await bench.task(taskId)).toMatchObject({ status: 'in_review', endCommit: 'abc' })
    expect(recovered).toEqual([])
  })

  test('leaves sessions at work alone when it starts none itself', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId } = await runningSession(bench)
    const { runner, recovered } = makeRunner()
    await recoverSessions({ ...deps(bench), engine, runner, startsSessions: false })
    await engine.idle()
    expect(recovered).toEqual([])
    expect((await bench.task(taskId)).status).toBe('in_progress')
  })
})

describe('an effect', () => {
  test('does not begin a session again that has ended, when it comes once more', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, sessionId } = await runningSession(bench)
    await engine.tell(sessionId, { type: 'ended', outcome: 'completed' })
    expect(await bench.sample.store.read((tx) => getSession(tx, sessionId))).toMatchObject({ status: 'completed' })
    const { runner, started } = makeRunner()
    const handlers = makeEffectHandlers({ ...deps(bench), runner, workspace, poke() {} })(engine)
    await handlers.startSession({ sessionId }, effect())
    expect(started).toEqual([])
  })

  test('for a session that the runner does not have gives it the session first', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    const { runner, started } = makeRunner()
    const handlers = makeEffectHandlers({ ...deps(bench), runner, workspace, poke() {} })(engine)
    await handlers.deliverMessage({ sessionId, taskId, content: 'and docs', by: 'x' }, effect())
    await handlers.stopSession({ sessionId }, effect())
    expect(started).toEqual([sessionId])
  })

  test('that brings an answer too late for a lost session gives it to the next one', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    const questionId = newId()
    await engine.tell(sessionId, { type: 'asked', question: { questionId, kind: 'question', question: 'Which?' } })
    const answer = { questionId, answer: 'blue', by: 'x' }
    await engine.tell(sessionId, { type: 'answered', ...answer })
    const { runner } = makeRunner()
    const nobody = { ...runner, answer: async () => false }
    const handlers = makeEffectHandlers({ ...deps(bench), runner: nobody, workspace, poke() {} })(engine)
    const delivery = effect()
    await expect(handlers.deliverAnswer({ sessionId, ...answer }, delivery)).rejects.toMatchObject({ code: 'CONFLICT' })
    await engine.tell(sessionId, { type: 'ended', outcome: 'lost' })
    await engine.idle()
    await handlers.deliverAnswer({ sessionId, ...answer }, delivery)
    await handlers.deliverAnswer({ sessionId, ...answer }, delivery)
    const next = newId()
    await engine.tell(taskId, { type: 'assign', sessionId: next, workerId: bench.sample.workerId })
    const start = await bench.sample.store.read((tx) => getSessionStart(tx, next))
    expect(start?.prompt.match(/blue/g)).toHaveLength(1)
  })
})
