/** An engine on a real database, with effect handlers that only note what they were asked. */
import { systemClock, type Clock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { EffectHandlers } from '../../core/engine/effect-runner.ts'
import { makeEngine, type Engine, type EngineDeps } from '../../core/engine/engine.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import { insertAgentTask } from '../../core/store/agent-tasks.ts'
import { getTask, insertTask } from '../../core/store/tasks.ts'
import type { Databases } from '../helpers/databases.ts'
import { openSample, type Sample } from '../store/sample.ts'

export interface Noted {
  readonly type: string
  readonly id: string
  readonly params: unknown
}

/** What an engine may have otherwise: a store of its own, as another process has, a clock, a short lease. */
export type EngineOptions = Partial<Pick<EngineDeps, 'store' | 'clock' | 'workerIds' | 'bounds' | 'settle'>>

export interface Workbench extends AsyncDisposable {
  readonly sample: Sample
  readonly noted: Noted[]
  /** An engine of a process of its own, as it were; several may share the database. */
  engine(overrides?: Partial<EffectHandlers>, options?: EngineOptions): Engine
  addTask(engine: Engine): Promise<string>
  task(id: string): Promise<UnitTask>
}

export async function openWorkbench(databases: Databases, clock: Clock = systemClock): Promise<Workbench> {
  const sample = await openSample(databases, clock)
  const noted: Noted[] = []
  const engines: Engine[] = []
  const note =
    (type: string) =>
    async (params: unknown, { id }: { id: string }) =>
      void noted.push({ type, id, params })

  const handlersOf = (overrides: Partial<EffectHandlers>) => () =>
    ({
      requestWorker: note('requestWorker'),
      startSession: note('startSession'),
      stopSession: note('stopSession'),
      deliverAnswer: note('deliverAnswer'),
      deliverMessage: note('deliverMessage'),
      mergeTask: note('mergeTask'),
      ...overrides,
    }) satisfies EffectHandlers

  return {
    sample,
    noted,
    engine(overrides = {}, options = {}) {
      const handlers = handlersOf(overrides)
      const deps = { store: sample.store, clock: systemClock, logger: silentLogger, handlers }
      const engine = makeEngine({ ...deps, ...options })
      engines.push(engine)
      return engine
    },
    addTask: (engine) => spawnTask(engine, sample.groupId),
    async task(id) {
      const task = await sample.store.read((tx) => getTask(tx, id))
      if (!task) throw new Error(`no task ${id}`)
      return task
    },
    async [Symbol.asyncDispose]() {
      for (const engine of engines) await engine[Symbol.asyncDispose]()
      await sample[Symbol.asyncDispose]()
    },
  }
}

/** A task in draft. */
export async function spawnTask(engine: Engine, repositoryGroupId: string): Promise<string> {
  const id = newId()
  await engine.spawn([{ machine: 'unitTask', id, input: { taskId: id, prompt: 'do it', totalMs: 0 } }], async (tx) => {
    const agentTask = await insertAgentTask(tx, { id: newId(), agent: 'command', baseRemotes: [] })
    await insertTask(tx, {
      id,
      repositoryGroupId,
      agentTaskId: agentTask.id,
      title: 'do it',
      prompt: 'do it',
      status: 'draft',
      agent: 'command',
      permissionMode: 'ask',
      sandbox: 'process',
      baseBranch: 'main',
      branchName: `troupe/${id}`,
    })
  })
  return id
}

/** A clock that a test moves. */
export function makeTestClock(start = 1_800_000_000_000) {
  let time = start
  let steady = 0
  const timers = new Set<{ at: number; call: () => void }>()
  return {
    now: () => time,
    steady: () => steady,
    after(ms: number, call: () => void): Disposable {
      const timer = { at: time + ms, call }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    /** As when somebody sets it: timers do not notice. */
    jump(ms: number): void {
      time += ms
      for (const timer of timers) timer.at += ms
    },
    /** Calls what becomes due, in its order; also what that asks for in its turn. */
    advance(ms: number): void {
      const end = time + ms
      const moveTo = (at: number) => ((steady += at - time), (time = at))
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
        if (!due) break
        timers.delete(due)
        moveTo(Math.max(time, due.at))
        due.call()
      }
      moveTo(end)
    },
  }
}
