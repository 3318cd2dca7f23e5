/**
 * Runs one effect: hands it to its handler and finishes it.
 *
 * An attempt that takes too long is told to end, and is over when its handler has settled: what is tried again never runs beside
 * what was tried before. Handlers wait only for what has a bound of its own, or heeds the signal.
 */
import { TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import type { EffectName, Effects } from '../machines/effects.ts'
import type { Effect } from '../store/effects.ts'

/** How long an attempt may take. */
const EFFECT_MS = 60_000
/** Longer than the machine waits for it. */
const MERGE_MS = 15 * 60_000

/**
 * What is followed by a step, which takes it along, and may well be handled again until then. What a person said is better not
 * said twice: it is finished as soon as it may be.
 */
const LEADS_ON: ReadonlySet<string> = new Set<EffectName>(['requestWorker', 'startSession'])

export interface EffectContext {
  /** Handlers are idempotent by it: after a crash an effect comes again. */
  readonly id: string
  /** Aborts when the attempt has taken too long. */
  readonly signal: AbortSignal
}

/** Of `send` the engine takes care itself. */
export type EffectHandlers = {
  readonly [Name in Exclude<EffectName, 'send'>]: (params: Effects[Name], effect: EffectContext) => Promise<void>
}

export interface Turn {
  /** Something waits for the end of the effect: its actor has another one to run. */
  readonly awaited: boolean
}

export interface EffectRunnerDeps {
  readonly handlers: EffectHandlers
  /** Finishes an effect that was handled; settles after the commit. */
  readonly finish: (effectId: string, how: Turn) => Promise<void>
  /** Delivers a `send` and finishes it in the same transaction. */
  readonly deliver: (effect: Effect) => Promise<void>
  readonly logger: Logger
  /** How long an attempt may take; merges have a bound of their own. */
  readonly effectMs?: number | undefined
}

/** Settles when the handler has. @throws what the handler throws, TroupeError STORE_...; the effect then stays. */
export type RunEffect = (effect: Effect, turn: Turn) => Promise<void>

export function makeEffectRunner(deps: EffectRunnerDeps): RunEffect {
  const { handlers, finish, deliver, logger, effectMs = EFFECT_MS } = deps

  function giveUp(attempt: AbortController, { actorId, type, id }: Effect, boundMs: number): void {
    const error = new TroupeError('TIMEOUT', `Effect ${type} did not finish within ${boundMs} ms.`)
    logger.warn({ err: error, actorId, effect: type, id }, 'An effect takes too long; what waits behind it waits on.')
    attempt.abort(error)
  }

  async function handle(effect: Effect): Promise<void> {
    const { id, type, params } = effect
    const handler = handlers[type as keyof EffectHandlers] as (params: unknown, effect: EffectContext) => Promise<void>
    const attempt = new AbortController()
    const boundMs = type === 'mergeTask' ? MERGE_MS : effectMs
    const timer = setTimeout(() => giveUp(attempt, effect, boundMs), boundMs)
    try {
      await handler(params, { id, signal: attempt.signal })
    } finally {
      clearTimeout(timer)
    }
  }

  return async (effect, { awaited }) => {
    const { id, type } = effect
    faultPoint('engine.effect-due', type)
    if (type === 'send') {
      await deliver(effect)
    } else {
      await handle(effect)
      faultPoint('engine.effect-handled', type)
      await finish(id, { awaited: awaited || !LEADS_ON.has(type) })
    }
    faultPoint('engine.effect-finished', type)
  }
}
