/**
 * Gives memory back when the host has turned quiet. V8 would keep what a burst of work took: after 300 sessions began at once, 17 MB
 * in garbage and half empty pages, and a young generation as large as the burst needed.
 *
 * Owns one timer. A whole collection of 50 MB holds the thread for about 0.1 s, so it comes
 * - Q1 only when the host did next to nothing for some seconds,
 * - Q2 once for each time that the heap has grown,
 * - Q3 never on a heap so large that it would take long.
 */
import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 4_000
/** A part of the time between two looks. */
const MOST_BUSY = 0.05
const GROWN = 1.2
const MOST_BYTES = 200 * 1024 * 1024

export interface QuietHeapOptions {
  /** How often it looks, and so how long the host must have been quiet. Default: 4 s. */
  readonly lookMs?: number
}

/** From now on the young generation may grow as the work needs it. Does not keep the process alive. */
export function keepHeapSmall({ lookMs = LOOK_MS }: QuietHeapOptions = {}): Disposable {
  setFlagsFromString('--semi-space-growth-factor=2')
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
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const heapBytes = (): number => getHeapStatistics().total_heap_size

/** V8 gives its collector only to a context that is made while this flag is set. */
function makeCollect(): () => void {
  setFlagsFromString('--expose-gc')
  const gc: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
