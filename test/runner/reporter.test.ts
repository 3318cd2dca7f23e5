import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { SessionReport } from '../../core/engine/ports.ts'
import { Reporter } from '../../core/runner/reporter.ts'

const STARTED: SessionReport = { type: 'started' }
const ENDED: SessionReport = { type: 'ended', outcome: 'completed' }

function openBench({ failures = 0 } = {}) {
  const given: string[] = []
  const moment = Promise.withResolvers<() => void>()
  const after: Clock['after'] = (_, wake) => {
    moment.resolve(wake)
    return { [Symbol.dispose]() {} }
  }
  const signal = new AbortController()
  let left = failures
  const deliver = async ({ type }: SessionReport): Promise<void> => {
    if (left-- > 0) throw new Error('The disk is full.')
    given.push(type)
  }
  const options = { deliver, clock: { ...systemClock, after }, logger: silentLogger, signal: signal.signal }
  return { reporter: new Reporter(options), given, signal, moment: moment.promise }
}

describe('the reporter of a session', () => {
  test('delivers a report that nobody waits for by itself, a moment later', async () => {
    const { reporter, given, moment } = openBench()
    const delivered = reporter.reportLater(STARTED)
    const wake = await moment
    expect(given).toEqual([])
    wake()
    await delivered
    expect(given).toEqual(['started'])
  })

  test('delivers it before whatever is reported after it', async () => {
    const { reporter, given } = openBench()
    void reporter.reportLater(STARTED)
    await reporter.report(ENDED)
    expect(given).toEqual(['started', 'ended'])
  })

  test('keeps the order when a report has to be offered again', async () => {
    const { reporter, given } = openBench({ failures: 2 })
    void reporter.reportLater(STARTED)
    void reporter.report(ENDED)
    await reporter.settled()
    expect(given).toEqual(['started', 'ended'])
  })

  test('delivers nothing more when the host has given up', async () => {
    const { reporter, given, signal } = openBench()
    const delivered = reporter.reportLater(STARTED)
    signal.abort()
    void reporter.settled()
    await delivered
    expect(given).toEqual([])
  })
})
