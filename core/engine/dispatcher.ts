/**
 * Runs effects after their commit, at least once (E3).
 *
 * Owns a lane for each actor that has effects to run here: those of one actor run in the order of their commits, those
 * of different actors side by side. An effect stays a row until its handler has settled well, so that a restart, or
 * another engine, finds it (E4).
 * - D1 Only so many lanes run at once, and only those know effects: the ones of the last commit, or one page. The rest is
 *   read when its turn comes, so that memory does not grow with what is left to do.
 * - D2 What a lane knows holds within one term of the lease: after it, and after a failure, it is read again.
 * - D3 A lane without effects is forgotten in the same turn in which it saw that there are none.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Logger } from '../base/logger.ts'
import { sleep, within } from '../base/waiting.ts'
import { nextEffects, type Effect } from '../store/effects.ts'
import type { Store } from '../store/store.ts'
import type { RunEffect } from './effect-runner.ts'
import type { Lease } from './lease.ts'

const DISPOSE_BOUND_MS = 10_000
const RETRY = { firstMs: 100, maxMs: 30_000 }
const MOST_AT_ONCE = 100
const PAGE = 50

export interface DispatcherDeps {
  readonly store: Store
  readonly logger: Logger
  readonly engineId: string
  readonly lease: Lease
  /** Runs one effect and finishes it. What fails comes again. */
  readonly run: RunEffect
}

export interface Dispatcher extends AsyncDisposable {
  /** Runs effects that were just committed. */
  dispatch(effects: readonly Effect[]): void
  /** Runs what the tables have for these actors. */
  look(actorIds: readonly string[]): void
  /** Settles when nothing is left to run. */
  idle(): Promise<void>
}

/** What is known of the effects of an actor, in their order, and the term in which it holds. */
interface Running {
  readonly kind: 'running'
  effects: readonly Effect[]
  term: number | undefined
  /** The table has or may have more. */
  more: boolean
}

/** Ready: waits for its turn. Resting: waits because an effect has failed. Both read the table when they run again. */
type Lane = Running | { readonly kind: 'ready' } | { readonly kind: 'resting' }

export const makeDispatcher = (deps: DispatcherDeps): Dispatcher => new LaneDispatcher(deps)

class LaneDispatcher implements Dispatcher {
  readonly #deps: DispatcherDeps
  readonly #lanes = new Map<string, Lane>()
  /** The lanes that are ready, first come first served, and how many run. */
  readonly #ready = new Set<string>()
  #running = 0
  /** Attempts that failed in a row, of the actors that have such. */
  readonly #failures = new Map<string, number>()
  readonly #stopping = new AbortController()
  #emptied = Promise.withResolvers<void>()

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
  }

  dispatch(effects: readonly Effect[]): void {
    for (const [actorId, ones] of Map.groupBy(effects, (effect) => effect.actorId)) this.#begin(actorId, ones)
  }

  look(actorIds: readonly string[]): void {
    for (const actorId of actorIds) this.#begin(actorId, [])
  }

  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await this.#emptied.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    for (const actorId of this.#ready) this.#forget(actorId)
    // What is cut off here stays a row, and comes again at the next start.
    await within(DISPOSE_BOUND_MS, 'Running effects', this.idle()).catch((error: unknown) =>
      this.#deps.logger.warn({ err: error }, 'An effect was left behind.'),
    )
  }

  #begin(actorId: string, effects: readonly Effect[]): void {
    if (this.#stopping.signal.aborted) return
    const lane = this.#lanes.get(actorId)
    if (lane?.kind === 'running') lane.more = true
    else if (!lane && this.#running < MOST_AT_ONCE) this.#start(actorId, effects)
    else if (!lane) this.#queue(actorId)
  }

  #queue(actorId: string): void {
    this.#lanes.set(actorId, { kind: 'ready' })
    this.#ready.add(actorId)
    this.#startReady()
  }

  // D1
  #startReady(): void {
    for (const actorId of this.#ready) {
      if (this.#running >= MOST_AT_ONCE) return
      this.#ready.delete(actorId)
      this.#start(actorId, [])
    }
  }

  #start(actorId: string, effects: readonly Effect[]): void {
    const term = this.#deps.lease.term()
    const lane: Running = { kind: 'running', effects, term, more: effects.length === 0 }
    this.#lanes.set(actorId, lane)
    this.#running += 1
    void this.#runToTheEnd(actorId, lane)
  }

  async #runToTheEnd(actorId: string, lane: Running): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted && (lane.more || lane.effects.length > 0))
        await this.#advance(actorId, lane)
      this.#forget(actorId) // D3
    } catch (error) {
      const { type, id } = lane.effects[0] ?? {}
      this.#deps.logger.error({ err: error, actorId, effect: type, id }, 'An effect failed; it is tried again.')
      this.#rest(actorId)
    }
    this.#running -= 1
    this.#startReady()
  }

  async #advance(actorId: string, lane: Running): Promise<void> {
    const [next, ...others] = lane.effects
    if (!next || !this.#holds(lane)) return this.#readMore(actorId, lane)
    await this.#deps.run(next, { awaited: others.length > 0 || lane.more })
    lane.effects = others
    this.#failures.delete(actorId)
  }

  // D2
  #holds({ term }: Running): boolean {
    return term !== undefined && term === this.#deps.lease.term()
  }

  async #readMore(actorId: string, lane: Running): Promise<void> {
    const { store, lease, engineId } = this.#deps
    lane.more = false
    await lease.ensure()
    lane.term = lease.term()
    lane.effects = await store.read((tx) => nextEffects(tx, { actorId, engineId, limit: PAGE }))
    if (lane.effects.length === PAGE) lane.more = true
  }

  #rest(actorId: string): void {
    const failed = this.#failures.get(actorId) ?? 0
    this.#failures.set(actorId, failed + 1)
    this.#lanes.set(actorId, { kind: 'resting' })
    sleep(backoffMs(RETRY, failed), this.#stopping.signal).then(
      () => this.#queue(actorId),
      () => this.#forget(actorId),
    )
  }

  #forget(actorId: string): void {
    this.#lanes.delete(actorId)
    this.#ready.delete(actorId)
    this.#failures.delete(actorId)
    if (this.#lanes.size > 0) return
    this.#emptied.resolve()
    this.#emptied = Promise.withResolvers()
  }
}
