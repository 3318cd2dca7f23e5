/** Finds a thread that is stuck in a loop. */
import type { Clock } from '../base/clock.ts'

const BEATS = 4

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly unresponsiveMs: number
  /** Settles when the thread answers. */
  readonly ping: () => Promise<void>
  /** Called once. */
  readonly onSilence: () => void
}

/**
 * Asks until it is disposed. Beats are counted, not time: after a sleep of the machine, or while the host itself was
 * busy, the thread has its full number of chances again. The first answer may take as long as the thread needs to start.
 */
export function startHeartbeat({ clock, unresponsiveMs, ping, onSilence }: HeartbeatOptions): Disposable {
  let missed = 0
  let waiting = false
  let begun = false
  let timer: Disposable
  const ask = async () => {
    waiting = true
    await ping().catch(() => {})
    begun = true
    waiting = false
    missed = 0
  }
  const beat = () => {
    if (!waiting) void ask()
    else if (begun) missed++
    if (missed >= BEATS) onSilence()
    else timer = clock.after(unresponsiveMs / BEATS, beat)
  }
  void ask()
  timer = clock.after(unresponsiveMs / BEATS, beat)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
