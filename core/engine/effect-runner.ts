/** Runs one effect: hands it to its handler, within a bound, and finishes it. */
import { faultPoint } from '../base/fault-point.ts'
import { within } from '../base/waiting.ts'
import type { EffectName, Effects } from '../machines/effects.ts'
import type { Effect } from '../store/effects.ts'

/** A handler that has not settled by then is given up and comes again, so that it does not block its actor for ever. */
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
  /** Aborts when the attempt is over or given up. */
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
  /** How long an attempt may take. */
  readonly effectMs?: number | undefined
}

/** @throws what the handler throws, TroupeError TIMEOUT, STORE_...; the effect then stays. */
export type RunEffect = (effect: Effect, turn: Turn) => Promise<void>

export function makeEffectRunner({ handlers, finish, deliver, effectMs = EFFECT_MS }: EffectRunnerDeps): RunEffect {
  async function handle({ id, type, params }: Effect, turn: Turn, signal: AbortSignal): Promise<void> {
    const handler = handlers[type as keyof EffectHandlers] as (params: unknown, effect: EffectContext) => Promise<void>
    await handler(params, { id, signal })
    faultPoint('engine.effect-handled', type)
    await finish(id, { awaited: turn.awaited || !LEADS_ON.has(type) })
  }

  return async (effect, turn) => {
    const attempt = new AbortController()
    const boundMs = effect.type === 'mergeTask' ? MERGE_MS : effectMs
    faultPoint('engine.effect-due', effect.type)
    try {
      const work = effect.type === 'send' ? deliver(effect) : handle(effect, turn, attempt.signal)
      await within(boundMs, `Effect ${effect.type}`, work)
    } finally {
      attempt.abort()
    }
    faultPoint('engine.effect-finished', effect.type)
  }
}
