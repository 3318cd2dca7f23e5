/**
 * One worker thread, or process, from the host's side.
 *
 * Owns what carries it, its trunk and its heartbeat. `over` says why it is over, once, when all that it sent has arrived.
 */
import type { Clock } from '../base/clock.ts'
import { type ErrorCode, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { within } from '../base/waiting.ts'
import type { Carrier, ThreadOver } from './carrier.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { PluginLimits } from './limits.ts'
import { CONTROL, type OwnerMethods, type ThreadMethods } from './protocol.ts'
import { Trunk } from './trunk.ts'
import type { Handlers, Wire } from './wire.ts'

/** How long the last words of a thread that is over may take to arrive. */
const LAST_WORDS_MS = 5_000
/** Of what a plugin says that it failed of. */
const REASON_CHARACTERS = 10_000

export interface ThreadContext {
  readonly limits: PluginLimits
  readonly clock: Clock
  readonly logger: Logger
}

export class PluginThread {
  readonly #context: ThreadContext
  readonly #plugin: string
  readonly #trunk: Trunk
  readonly #control: Wire<ThreadMethods>
  readonly #carrier: Carrier
  #lastWire = CONTROL
  #cause: ThreadOver | undefined
  #heartbeat: Disposable | undefined
  readonly over: Promise<ThreadOver>

  /** @param plugin The one that it serves. */
  constructor(context: ThreadContext, plugin: string, carrier: Carrier) {
    this.#context = context
    this.#plugin = plugin
    this.#carrier = carrier
    this.#trunk = new Trunk(carrier.port)
    this.#control = this.#trunk.open<ThreadMethods, OwnerMethods>(CONTROL, {
      threw: (message) => this.end({ kind: 'threw', message: message.slice(0, REASON_CHARACTERS) }),
    })
    this.over = this.#watch()
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
    this.#carrier.end()
  }

  async #begin(wire: number): Promise<void> {
    try {
      const thread = await this.#control.call('open', wire)
      this.#context.logger.debug({ plugin: this.#plugin, thread }, 'a thread serves a plugin')
    } catch {
      // `over` says why.
    }
  }

  async #watch(): Promise<ThreadOver> {
    const over = await this.#carrier.over
    this.#cause ??= over
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

/** The error that a session ends with when the thread under it is over. */
export function toError(over: ThreadOver, plugin: string, limits: PluginLimits): TroupeError {
  const error = (code: ErrorCode, what: string) =>
    new TroupeError(code, `The plugin "${plugin}" ${what}. Other sessions go on; tell the author of the plugin.`)
  if (over.kind === 'exited') return error('PLUGIN_DIED', `ended with exit code ${over.code}`)
  if (over.kind === 'memory')
    return error('PLUGIN_DIED', `used more than ${limits.memoryMb} MiB of memory and was ended`)
  if (over.kind === 'threw') return error('PLUGIN_FAILED', `threw outside of its session: ${over.message}`)
  if (over.kind === 'unresponsive') {
    return error('PLUGIN_UNRESPONSIVE', `did not react for ${limits.unresponsiveMs / 1000} s and was ended`)
  }
  return new TroupeError('ABORTED', `The plugin "${plugin}" was ended because the host is shutting down.`)
}
