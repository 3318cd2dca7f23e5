import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { sqlite } from '../helpers/databases.ts'
import { openSample } from '../store/sample.ts'
import { batch, collect, type Collector, numbers } from './collector.ts'

type Step =
  /** Appends from `back` messages before the end: some of it may be there already. */
  | { readonly do: 'append'; readonly count: number; readonly back: number; readonly wait: boolean }
  | { readonly do: 'subscribe'; readonly after: number; readonly pauses: boolean }
  | { readonly do: 'leave' }
  | { readonly do: 'rest' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        count: fc.nat(30),
        back: fc.nat(5),
        wait: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('subscribe' as const), after: fc.nat(40), pauses: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'leave' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'rest' as const }) },
  ),
  { maxLength: 25 },
)

const rest = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the log, whatever the order of appends and subscriptions', () => {
  it('gives each subscriber every message after its cursor once, in order, and then the end', async () => {
    await using sample = await openSample(sqlite)
    await using log = openSessionLog({ store: sample.store, clock: systemClock, logger: silentLogger, flushMs: 1 })
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const sessionId = await sample.addSessionId()
        const appends: Promise<void>[] = []
        const open: { collector: Collector; after: number; subscription: Disposable }[] = []
        let last = 0
        for (const step of plan) {
          if (step.do === 'append') {
            const first = Math.max(1, last + 1 - step.back)
            const end = Math.max(last, first + step.count - 1)
            const appended = log.append(batch(sessionId, first, end))
            appends.push(appended)
            last = end
            if (step.wait) await appended
          } else if (step.do === 'subscribe') {
            const after = Math.min(step.after, last)
            const collector = collect(after, step.pauses ? rest : undefined)
            open.push({ collector, after, subscription: log.subscribe({ sessionId, after }, collector) })
          } else if (step.do === 'leave') {
            open.shift()?.subscription[Symbol.dispose]()
          } else await rest()
        }
        await Promise.all(appends)
        log.close(sessionId)
        for (const { collector, after } of open) {
          // Subscribed after everything was appended and forgotten, it is told of the end by the next close.
          await collector.reached(last)
          log.close(sessionId)
          expect(await collector.over()).toEqual({ reason: 'ended', resumeFrom: last })
          expect(collector.seqs).toEqual(numbers(after + 1, last))
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    )
  })
})
