/**
 * Runs effects after their commit, at least once (E3).
 *
 * Owns the lanes in which effects run: those of one actor in the order of their commits, those of different actors
 * side by side. An effect stays a row until its handler has settled well, so that a restart finds it (E4).
 */
import { backoffMs } from '../base/backoff.ts'
import type { Logger } from '../base/logger.ts'
import { sleep, within } from '../base/waiting.ts'
import type { EffectName, Effects } from '../machines/effects.ts'
import { finishEffect, pendingEffects, retryEffect } from '../store/effects.ts'
import type { Store } from '../store/store.ts'
import type { PendingEffect } from './commit.ts'
import { makeLanes } from './lanes.ts'

const DISPOSE_BOUND_MS = 10_000
const RETRY = { firstMs: 100, maxMs: 30_000 }

/** Handlers are idempotent by `id`: after a crash an effect comes again. */
export type EffectHandlers = {
  readonly [Name in EffectName]: (params: Effects[Name], effect: { readonly id: string }) => Promise<void>
}

export interface Dispatcher extends AsyncDisposable {
  dispatch(effects: readonly PendingEffect[]): void
  /** Dispatches what an earlier process left; what it had put off too, since a restart is a good time to try again. */
  recover(): Promise<void>
  /** Settles when nothing is left to run. */
  idle(): Promise<void>
}

export function makeDispatcher(deps: { store: Store; logger: Logger; handlers: EffectHandlers }): Dispatcher {
  const { store, logger, handlers } = deps
  const lanes = makeLanes()
  const stopping = new AbortController()

  const handle = (effect: PendingEffect): Promise<void> => {
    const handler = handlers[effect.type as EffectName] as (params: unknown, effect: { id: string }) => Promise<void>
    return handler(effect.params, { id: effect.id })
  }

  /** Settles true when the effect is done, false when it must be tried again. */
  async function attempt(effect: PendingEffect, attempts: number): Promise<boolean> {
    try {
      await handle(effect)
      await store.transaction((tx) => finishEffect(tx, effect.id))
      return true
    } catch (error) {
      logger.error({ err: error, effect: effect.type, id: effect.id, attempts }, 'An effect failed; it is tried again.')
      return false
    }
  }

  async function runToTheEnd(effect: PendingEffect): Promise<void> {
    for (let attempts = effect.attempts; !stopping.signal.aborted; attempts += 1) {
      if (await attempt(effect, attempts)) return
      const delay = backoffMs(RETRY, attempts)
      await store
        .transaction((tx) => retryEffect(tx, effect.id, tx.clock.now() + delay))
        .catch((error: unknown) =>
          logger.error({ err: error, id: effect.id }, 'The retry of an effect was not recorded.'),
        )
      await sleep(delay, stopping.signal).catch(() => {})
    }
  }

  const dispatch = (effects: readonly PendingEffect[]): void => {
    if (stopping.signal.aborted) return
    for (const effect of effects) void lanes.run(effect.actorId, () => runToTheEnd(effect))
  }

  return {
    dispatch,
    idle: () => lanes.idle(),
    async recover() {
      dispatch(await store.read((tx) => pendingEffects(tx)))
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      // What is cut off here stays a row, and comes again at the next start.
      await within(DISPOSE_BOUND_MS, 'Running effects', lanes.idle()).catch((error: unknown) =>
        logger.warn({ err: error }, 'An effect was left behind.'),
      )
    },
  }
}
