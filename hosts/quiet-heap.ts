/**
 * Keeps the heap no larger than the work needs. The young generation grows with the work, but only so far: V8 would let a long
 * burst have 64 MB, which make it no faster. The old one is collected when it has grown by half: V8 would let it become four times
 * as large, and a burst of a million lines leave 60 MB of garbage there, with 30 MB of buffers that hang on it. And memory is given
 * back when the host has turned quiet: after 300 sessions began at once V8 would keep 17 MB in garbage and half empty pages, and
 * the young generation as the burst left it.
 *
 * Owns one timer, an observer of collections, and V8's flags for the growth of both generations. A whole collection of 50 MB
 * holds the thread for about 0.1 s, so it comes
 * - Q1 only when the host did next to nothing for some seconds,
 * - Q2 once for each time that the heap has grown,
 * - Q3 never on a heap so large that it would take long.
 */
import { performance, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 4_000
/** A part of the time between two looks. */
const MOST_BUSY = 0.05
const GROWN = 1.2
const MOST_BYTES = 200 * 1024 * 1024
/** Of the young generation: as large it grows no more. A step of growth doubles it. */
const YOUNG_BYTES = 8 * 1024 * 1024
/** By how much the old generation may grow before it is collected; V8 adds a few megabytes for a small one. */
const OLD_GROWTH_PERCENT = 50

export interface QuietHeapOptions {
  /** How often it looks, and so how long the host must have been quiet. Default: 4 s. */
  readonly lookMs?: number
}

/** From now on the young generation may grow as the work needs it. Does not keep the process alive. */
export function keepHeapSmall({ lookMs = LOOK_MS }: QuietHeapOptions = {}): Disposable {
  const bound = boundYoungGeneration()
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH_PERCENT}`)
  const collect = makeCollect()
  let seen = performance.eventLoopUtilization()
  let left = 0
  const look = (): void => {
    const before = seen
    seen = performance.eventLoopUtilization()
    const busy = performance.eventLoopUtilization(seen, before).utilization > MOST_BUSY // Q1
    const bytes = heapBytes()
    if (busy || bytes < left * GROWN || bytes > MOST_BYTES) return // Q2, Q3
    collect()
    left = heapBytes()
  }
  const timer = setInterval(look, lookMs).unref()
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      bound[Symbol.dispose]()
    },
  }
}

/** V8 reads the flag at each collection; the size that can be set for good counts only from the start of a program. */
function boundYoungGeneration(): Disposable {
  let factor = 0
  const bound = (): void => {
    const wanted = youngBytes() < YOUNG_BYTES ? 2 : 1
    if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`)
    factor = wanted
  }
  bound()
  const observer = new PerformanceObserver(bound)
  observer.observe({ entryTypes: ['gc'] })
  return { [Symbol.dispose]: () => observer.disconnect() }
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0

const heapBytes = (): number => getHeapStatistics().total_heap_size

/** V8 gives its collector only to a context that is made while this flag is set. */
function makeCollect(): () => void {
  setFlagsFromString('--expose-gc')
  const gc: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
