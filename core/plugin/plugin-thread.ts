/**
 * One worker thread, from the host's side.
 *
 * Owns the thread and its heartbeat. It is empty (a spare), serves jobs of one plugin, or is over; `over` says why, once.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../base/clock.ts'
import { type ErrorCode, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { PluginLimits } from './limits.ts'
import type { ThreadMethods } from './protocol.ts'
import { type Handlers, Wire } from './wire.ts'

/** Why a thread is over. */
export type ThreadOver =
  | { readonly kind: 'ended' }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'unresponsive' }
  | { readonly kind: 'threw'; readonly message: string }

export interface ThreadContext {
  readonly piscina: Piscina
  readonly limits: PluginLimits
  readonly clock: Clock
  readonly logger: Logger
}

export class PluginThread {
  readonly #context: ThreadContext
  readonly #control: Wire<ThreadMethods>
  readonly #abort = new AbortController()
  #cause: ThreadOver | undefined
  #heartbeat: Disposable | undefined
  /** The plugin that it serves. */
  plugin: string | undefined
  jobs = 0
  readonly over: Promise<ThreadOver>

  constructor(context: ThreadContext) {
    this.#context = context
    const { port1, port2 } = new MessageChannel()
    this.#control = new Wire<ThreadMethods>(port1, {})
    this.over = this.#watch(context.piscina.run(Piscina.move(port2), { signal: this.#abort.signal }))
  }

  get alive(): boolean {
    return this.#cause === undefined
  }

  /** Begins a job: a wire of its own, on which the thread serves `Remote` and the host serves `Local`. */
  open<Remote, Local>(handlers: Handlers<Local>): Wire<Remote> {
    const { port1, port2 } = new MessageChannel()
    this.#heartbeat ??= this.#startHeartbeat()
    void this.#begin(port2)
    return new Wire<Remote, Local>(port1, handlers)
  }

  async #begin(port: MessagePort): Promise<void> {
    try {
      const thread = await this.#control.call('open', port, [port])
      this.#context.logger.debug({ plugin: this.plugin, thread }, 'a thread serves a plugin')
    } catch {
      // `over` says why.
    }
  }

  end(cause: ThreadOver = { kind: 'ended' }): void {
    this.#cause ??= cause
    this.#abort.abort()
  }

  async #watch(task: Promise<unknown>): Promise<ThreadOver> {
    const error: unknown = await task.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    this.#cause ??= causeOf(error)
    this.#heartbeat?.[Symbol.dispose]()
    this.#control[Symbol.dispose]()
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
