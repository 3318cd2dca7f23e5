/**
 * One worker thread, from the host's side.
 *
 * Owns the thread, its trunk and its heartbeat. `over` says why it is over, once, when all that it sent has arrived.
 */
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../base/clock.ts'
import { type ErrorCode, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { within } from '../base/waiting.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { PluginLimits } from './limits.ts'
import { CONTROL, type ThreadMethods } from './protocol.ts'
import { Trunk } from './trunk.ts'
import type { Handlers, Wire } from './wire.ts'

/** Why a thread is over. */
export type ThreadOver =
  | { readonly kind: 'ended' }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'unresponsive' }
  | { readonly kind: 'threw'; readonly message: string }

/** How long the last words of a thread that is over may take to arrive. */
const LAST_WORDS_MS = 5_000

export interface ThreadContext {
  readonly piscina: Piscina
  readonly limits: PluginLimits
  readonly clock: Clock
  readonly logger: Logger
}

export class PluginThread {
  readonly #context: ThreadContext
  readonly #plugin: string
  readonly #trunk: Trunk
  readonly #control: Wire<ThreadMethods>
  readonly #abort = new AbortController()
  #lastWire = CONTROL
  #cause: ThreadOver | undefined
  #heartbeat: Disposable | undefined
  readonly over: Promise<ThreadOver>

  /** @param plugin The one that it serves. */
  constructor(context: ThreadContext, plugin: string) {
    this.#context = context
    this.#plugin = plugin
    const { port1, port2 } = new MessageChannel()
    this.#trunk = new Trunk(port1)
    this.#control = this.#trunk.open<ThreadMethods, object>(CONTROL, {})
    this.over = this.#watch(context.piscina.run(Piscina.move(port2), { signal: this.#abort.signal }))
  }

  get alive(): boolean {
    return this.#cause === undefined
  }

  /** Begins a job: a wire of its own, on which the thread serves `Remote` and the host serves `Local`. */
  open<Remote, Local>(handlers: Handlers<Local>): Wire<Remote> {
    const number = ++this.#lastWire
    this.#heartbeat ??= this.#startHeartbeat()
    void this.#begin(number)
    return this.#trunk.open<Remote, Local>(number, handlers)
  }

  end(cause: ThreadOver = { kind: 'ended' }): void {
    this.#cause ??= cause
    this.#abort.abort()
  }

  async #begin(wire: number): Promise<void> {
    try {
      const thread = await this.#control.call('open', wire)
      this.#context.logger.debug({ plugin: this.#plugin, thread }, 'a thread serves a plugin')
    } catch {
      // `over` says why.
    }
  }

  async #watch(task: Promise<unknown>): Promise<ThreadOver> {
    const error: unknown = await task.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    this.#cause ??= causeOf(error)
    this.#heartbeat?.[Symbol.dispose]()
    await within(LAST_WORDS_MS, 'The end of a thread', this.#trunk.closed).catch(() => {})
    this.#trunk[Symbol.dispose]()
    return this.#cause
  }

  #startHeartbeat(): Disposable {
    const { clock, limits } = this.#context
    return startHeartbeat({
      clock,
      unresponsiveMs: limits.unresponsiveMs,
      ping: () => this.#control.call('ping', undefined),
      onSilence: () => this.end({ kind: 'unresponsive' }),
    })
  }
}

function causeOf(error: unknown): ThreadOver {
  if (!(error instanceof Error)) return { kind: 'threw', message: `it threw ${String(error)}` }
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'memory' }
  const exit = /^worker exited with code: (\d+)$/.exec(error.message)
  return exit ? { kind: 'exited', code: Number(exit[1]) } : { kind: 'threw', message: error.message }
}

/** The error that a session ends with when the thread under it is over. */
export function toError(over: ThreadOver, plugin: string, limits: PluginLimits): TroupeError {
  const error = (code: ErrorCode, what: string) =>
    new TroupeError(code, `The plugin "${plugin}" ${what}. Other sessions go on; tell the author of the plugin.`)
  if (over.kind === 'exited') return error('PLUGIN_DIED', `ended its thread with exit code ${over.code}`)
  if (over.kind === 'memory')
    return error('PLUGIN_DIED', `used more than ${limits.memoryMb} MiB of memory and was ended`)
  if (over.kind === 'threw') return error('PLUGIN_FAILED', `threw outside of its session: ${over.message}`)
  if (over.kind === 'unresponsive') {
    return error('PLUGIN_UNRESPONSIVE', `did not react for ${limits.unresponsiveMs / 1000} s and was ended`)
  }
  return new TroupeError('ABORTED', `The plugin "${plugin}" was ended because the host is shutting down.`)
}
