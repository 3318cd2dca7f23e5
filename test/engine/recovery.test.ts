import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { TroupeError } from '../../core/base/errors.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeEffectHandlers } from '../../core/engine/effect-handlers.ts'
import type { Engine } from '../../core/engine/engine.ts'
import type { LeftSession, SessionSpec } from '../../core/engine/ports.ts'
import { beginRecovery } from '../../core/engine/recovery.ts'
import { makeTakeUp } from '../../core/engine/take-up.ts'
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
  const left: LeftSession[] = []
  const started: SessionSpec[] = []
  const has = async (id: string) => started.some(({ sessionId }) => sessionId === id)
  const runner = {
    recover: (sessions: readonly LeftSession[]) => void left.push(...sessions),
    start: async (spec: SessionSpec): Promise<void> => void started.push(spec),
    stop: has,
    answer: has,
    send: has,
  }
  return { left, started, runner }
}

type Runner = ReturnType<typeof makeRunner>['runner']

const takeUpWith = (bench: Workbench, engine: Engine, runner: Pick<Runner, 'start'>) =>
  makeTakeUp({ ...deps(bench), runner, tell: (...event) => engine.tell(...event) })

const effectsOf = (bench: Workbench, engine: Engine, runner: Runner) =>
  makeEffectHandlers({ ...deps(bench), runner, takeUp: takeUpWith(bench, engine, runner), workspace, poke() {} })(
    engine,
  )

/** A whole recovery; settles when all is taken up. */
async function recover(bench: Workbench, engine: Engine, runner: Runner, startsSessions = true): Promise<void> {
  const takeUp = takeUpWith(bench, engine, runner)
  const takeUpAll = await beginRecovery({ ...deps(bench), engine, runner, takeUp, startsSessions })
  await takeUpAll(new AbortController().signal)
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
    const { runner, left, started } = makeRunner()
    await recover(bench, engine, runner)
    expect(left).toEqual([{ sessionId, progress: '{"checkpoint":1}' }])
    expect(started).toMatchObject([
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
    const { runner, started } = makeRunner()
    await recover(bench, engine, runner)
    expect(started).toMatchObject([{ sessionId, stopping: true }])
  })

  test('takes the end that was stored with the closing message, and runs nothing twice', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'completed', endCommit: 'abc' } })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress })
    const { runner, left, started } = makeRunner()
    await recover(bench, engine, runner)
    await engine.idle()
    expect(await bench.task(taskId)).toMatchObject({ status: 'in_review', endCommit: 'abc' })
    expect([...left, ...started]).toEqual([])
  })

  test('hears what came before that end, and was not delivered', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const reports = [{ id: 'started:1', report: { type: 'started', agentSessionId: 'c1' } }]
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'failed' }, reports })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress })
    await recover(bench, engine, makeRunner().runner)
    await engine.idle()
    const session = await bench.sample.store.read((tx) => getSession(tx, sessionId))
    expect(session).toMatchObject({ status: 'failed', agentSessionId: 'c1' })
    expect((await bench.task(taskId)).status).toBe('failed')
  })

  test('leaves sessions at work alone when it starts none itself', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId } = await runningSession(bench)
    const { runner, left, started } = makeRunner()
    await recover(bench, engine, runner, false)
    await engine.idle()
    expect([...left, ...started]).toEqual([])
    expect((await bench.task(taskId)).status).toBe('in_progress')
  })
})

describe('a session that waits to be taken up', () => {
  test('is taken up for the first who asks something of it, and only once', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    const { runner, started } = makeRunner()
    const takeUp = takeUpWith(bench, engine, runner)
    const takeUpAll = await beginRecovery({ ...deps(bench), engine, runner, takeUp, startsSessions: true })
    const handlers = makeEffectHandlers({ ...deps(bench), runner, takeUp, workspace, poke() {} })(engine)
    await handlers.deliverMessage({ sessionId, taskId, content: 'and docs', by: 'x' }, effect())
    expect(started).toMatchObject([{ sessionId }])
    await Promise.all([takeUp(sessionId), takeUp(sessionId)])
    expect(started.length).toBe(2)
    await engine.tell(sessionId, { type: 'ended', outcome: 'completed' })
    await takeUpAll(new AbortController().signal)
    expect(started.length).toBe(2)
  })

  test('ends as was stored, and not as it was told to meanwhile', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'completed' } })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress })
    const { runner, started } = makeRunner()
    await effectsOf(bench, engine, runner).stopSession({ sessionId }, effect())
    await engine.idle()
    expect(started).toEqual([])
    expect((await bench.task(taskId)).status).toBe('in_review')
  })

  test('waits on while the database does not work', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine } = await runningSession(bench)
    const { runner, started } = makeRunner()
    let failures = 3
    const start = async (spec: SessionSpec) => {
      if (failures-- > 0) throw new TroupeError('STORE_FAILED', 'The disk is full.')
      await runner.start(spec)
    }
    await recover(bench, engine, { ...runner, start })
    expect(started.length).toBe(1)
  })
})

describe('an effect', () => {
  test('does not begin a session again that has ended, when it comes once more', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, sessionId } = await runningSession(bench)
    await engine.tell(sessionId, { type: 'ended', outcome: 'completed' })
    expect(await bench.sample.store.read((tx) => getSession(tx, sessionId))).toMatchObject({ status: 'completed' })
    const { runner, started } = makeRunner()
    const handlers = effectsOf(bench, engine, runner)
    await handlers.startSession({ sessionId }, effect())
    expect(started).toEqual([])
  })

  test('for a session that the runner does not have gives it the session first', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    const { runner, started } = makeRunner()
    const handlers = effectsOf(bench, engine, runner)
    await handlers.deliverMessage({ sessionId, taskId, content: 'and docs', by: 'x' }, effect())
    await handlers.stopSession({ sessionId }, effect())
    expect(started).toMatchObject([{ sessionId }])
  })

  test('that brings a message again which the session took before its end tells it to nobody', async () => {
    await using bench = await openWorkbench(sqlite)
    const { engine, taskId, sessionId } = await runningSession(bench)
    await using log = openSessionLog(deps(bench))
    const [taken, late] = [effect(), effect()]
    const progress = JSON.stringify({ ended: { type: 'ended', outcome: 'completed' }, taken: taken.id })
    await log.append({ sessionId, firstSeq: 1, at: 0, drafts: [text], progress })
    const { runner } = makeRunner()
    const handlers = effectsOf(bench, engine, runner)
    const message = { sessionId, taskId, content: 'and docs', by: 'x' }
    await handlers.deliverMessage(message, taken)
    await engine.idle()
    expect((await bench.task(taskId)).status).toBe('in_review')
    await handlers.deliverMessage(message, late)
    expect((await bench.task(taskId)).status).toBe('queued')
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
    const handlers = effectsOf(bench, engine, nobody)
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
