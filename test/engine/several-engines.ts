/**
 * Several engines in processes of their own on one PostgreSQL database, some of them killed at random all the time. What
 * is to come of it is known exactly.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { sleep, within } from '../../core/base/waiting.ts'
import type { EffectHandlers } from '../../core/engine/effect-runner.ts'
import { makeEngine } from '../../core/engine/engine.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { Store } from '../../core/store/store.ts'
import { makeRandom } from '../campaign/random.ts'
import { insertSampleRoots } from '../store/sample.ts'
import {
  openLedger,
  OPTIONS_VARIABLE,
  roundsOf,
  summarize,
  type EngineProcessOptions,
  type EngineSummary,
} from './ledger.ts'
import { spawnTask } from './workbench.ts'

export interface SeveralEngines {
  /** An empty database. */
  readonly url: string
  readonly seed: number
  readonly engines: number
  readonly tasks: number
  /** Sessions a task. */
  readonly rounds: number
  /** All must be done by then. */
  readonly boundMs: number
  /** A process is killed after it has begun this many effects, or fewer. */
  readonly longestLife: number
}

const PROGRAM = fileURLToPath(new URL('engine-process.ts', import.meta.url))
const LEASE_MS = 1000

function startProcess(options: EngineProcessOptions): ChildProcess {
  const env = { HOME: tmpdir(), [OPTIONS_VARIABLE]: JSON.stringify(options) }
  return fork(PROGRAM, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** Settles when the process has begun as many effects, or has ended, or is to be left alone. */
async function untilBegun(child: ChildProcess, effects: number, signal: AbortSignal): Promise<void> {
  let begun = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  child.on('message', () => (begun += 1) >= effects && resolve())
  child.once('exit', () => resolve())
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!signal.aborted) await promise
}

/** Keeps one process alive, but kills it again and again. Gives the number of kills. */
async function keepKilling(start: () => ChildProcess, lifeOf: () => number, signal: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    const child = start()
    const ended = once(child, 'exit')
    await untilBegun(child, lifeOf(), signal)
    if (signal.aborted) {
      await endWell(child, ended)
      return kills
    }
    child.kill('SIGKILL')
    await ended
  }
}

/** @throws when the process does not end by itself and well. */
async function endWell(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  try {
    if (child.connected) child.disconnect()
    await within(60_000, 'The end of an engine process', ended)
  } finally {
    child.kill('SIGKILL')
  }
  if (child.exitCode !== 0) throw new Error(`An engine process ended with ${child.exitCode ?? child.signalCode}.`)
}

async function untilDone(store: Store, { rounds, boundMs }: SeveralEngines): Promise<void> {
  const end = performance.now() + boundMs
  for (;;) {
    const tasks = await roundsOf(store)
    const effects = await store.read((tx) => tx.get('select 1 as found from effect limit 1'))
    if (!effects && tasks.every((task) => task.status === 'in_review' && task.rounds >= rounds)) return
    if (performance.now() > end) return
    await sleep(50)
  }
}

/** Gives what there is at the end, or at the bound if the end was not reached. */
export async function runSeveralEngines(plan: SeveralEngines): Promise<EngineSummary> {
  const { url, seed, engines, tasks, rounds, longestLife } = plan
  const deps = { clock: systemClock, logger: silentLogger }
  await using store = await openStore({ driver: 'postgresql', url }, deps)
  const { groupId, workerId } = await store.transaction(insertSampleRoots)
  await openLedger(store)
  await addTasks(store, groupId, tasks)

  const random = makeRandom(seed)
  const stopping = new AbortController()
  const start = () => startProcess({ url, leaseMs: LEASE_MS, rounds, workerId })
  const killing = Promise.all(
    Array.from({ length: engines }, (_, place) => {
      const lives = random.fork(`engine ${place}`)
      return keepKilling(start, () => lives.between(1, longestLife), stopping.signal)
    }),
  )
  try {
    await Promise.race([untilDone(store, plan), killing])
  } finally {
    stopping.abort()
  }
  const kills = (await killing).reduce((sum, count) => sum + count, 0)
  return await summarize(store, rounds, kills)
}

/** A draft has no effects, so nothing is handled here. */
const refuse = () => Promise.reject(new Error('This engine only makes tasks.'))
const noHandlers: EffectHandlers = {
  requestWorker: refuse,
  startSession: refuse,
  stopSession: refuse,
  deliverAnswer: refuse,
  deliverMessage: refuse,
  mergeTask: refuse,
}

async function addTasks(store: Store, groupId: string, count: number): Promise<void> {
  await using engine = makeEngine({ store, clock: systemClock, logger: silentLogger, handlers: () => noHandlers })
  for (let added = 0; added < count; added += 1) await spawnTask(engine, groupId)
}
