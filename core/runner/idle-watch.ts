/** Notices that nothing was heard from an agent for too long; several can be silent for ever. */
import type { Clock } from '../base/clock.ts'

export interface IdleWatch extends Disposable {
  /** Something was heard. Cheap: the timer is not touched. */
  heard(): void
}

/**
 * @param idleMs 0 is for ever.
 * @param excused true while silence is right, for example while a person is asked.
 */
export function watchIdle(options: {
  clock: Clock
  idleMs: number
  excused: () => boolean
  onIdle: () => void
}): IdleWatch {
  const { clock, idleMs, excused, onIdle } = options
  let lastHeard = clock.now()
  let timer: Disposable | undefined

  function look(): void {
    if (excused()) lastHeard = clock.now()
    const left = lastHeard + idleMs - clock.now()
    if (left <= 0) return onIdle()
    timer = clock.after(left, look)
  }

  if (idleMs > 0) timer = clock.after(idleMs, look)
  return {
    heard: () => void (lastHeard = clock.now()),
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  }
}
