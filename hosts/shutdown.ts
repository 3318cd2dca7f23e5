/**
 * How a program of Troupe ends. Owns: the handlers of SIGINT, SIGTERM and SIGHUP.
 *
 * 1. The first signal aborts `signal`; whoever runs ends what it owns, in its own order.
 * 2. A second one, or `forceAfterMs`, ends the process at once: ending has a bound, whatever hangs.
 * 3. While somebody has taken Ctrl-C over, SIGINT goes only there.
 */
import { TroupeError } from '../core/base/errors.ts'

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

const NUMBERS: Readonly<Record<EndSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
const SIGNALS: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** What a process that a signal ended exits with, as shells have it. */
export const signalExitCode = (signal: EndSignal): number => 128 + NUMBERS[signal]

export interface Shutdown extends Disposable {
  /** Aborts with a TroupeError ABORTED. */
  readonly signal: AbortSignal
  /** The signal that asked, once one has. */
  readonly cause: EndSignal | undefined
  /** Takes Ctrl-C over until disposed. */
  onInterrupt(handler: () => void): Disposable
}

export interface ShutdownOptions {
  /** Where signals come from; `process`, or a stand-in for it. */
  readonly source: {
    on(signal: EndSignal, handler: () => void): unknown
    off(signal: EndSignal, handler: () => void): unknown
  }
  readonly exit: (code: number) => void
  /** How long an orderly end may take. */
  readonly forceAfterMs?: number
}

/** More than the bounds of all that a host ends, one after another: its sessions, effects and connections. */
const FORCE_AFTER_MS = 60_000

export function listenForShutdown({ source, exit, forceAfterMs = FORCE_AFTER_MS }: ShutdownOptions): Shutdown {
  const ending = new AbortController()
  let cause: EndSignal | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const interrupts: (() => void)[] = []

  function hear(signal: EndSignal): void {
    const handler = interrupts.at(-1)
    if (signal === 'SIGINT' && cause === undefined && handler) return handler()
    if (cause !== undefined) return exit(signalExitCode(signal))
    cause = signal
    timer = setTimeout(() => exit(signalExitCode(signal)), forceAfterMs).unref()
    ending.abort(new TroupeError('ABORTED', `Ended by ${signal}.`))
  }

  const handlers = SIGNALS.map((signal) => [signal, () => hear(signal)] as const)
  for (const [signal, handler] of handlers) source.on(signal, handler)

  return {
    signal: ending.signal,
    get cause() {
      return cause
    },
    onInterrupt(handler) {
      interrupts.push(handler)
      return { [Symbol.dispose]: () => void interrupts.splice(interrupts.indexOf(handler), 1) }
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const [signal, handler] of handlers) source.off(signal, handler)
    },
  }
}
