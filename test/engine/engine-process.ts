/**
 * One engine in a process of its own, on a PostgreSQL database that others share: the real engine, store and machines.
 * Its handlers play workers and agents, its loop plays people. `several-engines.ts` starts it; it ends by itself when
 * its parent goes away.
 */
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { EffectHandlers } from '../../core/engine/effect-runner.ts'
import { makeEngine, type Engine } from '../../core/engine/engine.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { Store } from '../../core/store/store.ts'
import { noteRun, OPTIONS_VARIABLE, roundsOf, type EngineProcessOptions } from './ledger.ts'

const options = JSON.parse(process.env[OPTIONS_VARIABLE] ?? '{}') as EngineProcessOptions
const stopping = new AbortController()
process.once('disconnect', () => stopping.abort())

/** The effect has begun: its side effect is done, and the parent may strike. */
async function begun(store: Store, effect: { readonly id: string }, type: string): Promise<void> {
  await noteRun(store, effect.id, type)
  process.send?.(type)
}

/** A worker and an agent in one; all that they tell has an id that comes of the effect's, so that it counts once. */
const handlersOf =
  (store: Store) =>
  (engine: Pick<Engine, 'tell'>): EffectHandlers => ({
    async requestWorker({ taskId }, effect) {
      await begun(store, effect, 'requestWorker')
      const { id } = effect
      // The session gets the id of the effect, so that a repetition asks for the same one.
      await engine.tell(taskId, { type: 'assign', sessionId: id, workerId: options.workerId }, `${id}:assign`)
    },
    async startSession({ sessionId }, effect) {
      await begun(store, effect, 'startSession')
      const { id } = effect
      const question = { questionId: id, kind: 'question', question: 'which?' }
      const answer = { questionId: id, answer: 'blue', by: 'local' }
      const events = [{ type: 'started' }, { type: 'asked', question }, { type: 'answered', ...answer }]
      for (const event of events) await engine.tell(sessionId, event, `${id}:${event.type}`)
    },
    async deliverAnswer({ sessionId }, effect) {
      await begun(store, effect, 'deliverAnswer')
      await engine.tell(sessionId, { type: 'ended', outcome: 'completed' }, `${effect.id}:ended`)
    },
    stopSession: (_params, effect) => begun(store, effect, 'stopSession'),
    deliverMessage: (_params, effect) => begun(store, effect, 'deliverMessage'),
    mergeTask: (_params, effect) => begun(store, effect, 'mergeTask'),
  })

/** Sends every task that waits for people into its next round; all processes do, and the id lets one of them. */
async function playPeople(store: Store, engine: Engine): Promise<void> {
  while (!stopping.signal.aborted) {
    for (const { id, status, rounds } of await roundsOf(store)) {
      const eventId = `round-${rounds}`
      if (status === 'draft') await engine.tell(id, { type: 'start' }, eventId)
      else if (status === 'in_review' && rounds < options.rounds) {
        await engine.tell(id, { type: 'changes', prompt: 'more' }, eventId)
      }
    }
    await sleep(20, stopping.signal).catch(() => {})
  }
}

await using store = await openStore(
  { driver: 'postgresql', url: options.url },
  { clock: systemClock, logger: silentLogger },
)
const bounds = { leaseMs: options.leaseMs }
const deps = { store, clock: systemClock, logger: silentLogger, bounds }
await using engine = makeEngine({ ...deps, handlers: handlersOf(store) })
await engine.recover()
await playPeople(store, engine)
