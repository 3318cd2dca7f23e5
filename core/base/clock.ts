/** Time is passed in, so that tests and machines own it. */

export interface Clock {
  /** Milliseconds since 1970, as the wall clock has it; may jump. */
  now(): number
  /** Milliseconds of a clock that nobody sets, for durations; it may stand still while the machine sleeps. */
  steady(): number
  /** Calls back once after `ms`; the result cancels it. The timer alone does not keep the process alive. */
  after(ms: number, call: () => void): Disposable
}

/** The longest delay a timer takes; longer ones fire at once in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS))
    if (typeof timer === 'object') timer.unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}

/** ISO 8601 in UTC, the form of every time on the wire. */
export const toIso = (ms: number): string => new Date(ms).toISOString()
