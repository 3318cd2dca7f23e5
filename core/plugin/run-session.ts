/**
 * One session of a plugin, from the host's side: begun, watched, and ended whatever the plugin does.
 *
 * R1 It has exactly one end: the first of what the plugin returns, the end of its thread, a broken contract, and the bounds
 *    for loading and stopping.
 * R2 Whatever goes wrong after the session was asked to stop is `stopped`.
 * R3 All messages that the thread sent before its end are appended before the session ends.
 */
import type { Clock } from '../base/clock.ts'
import { fromEnvelope, toEnvelope } from '../base/errors.ts'
import { within } from '../base/waiting.ts'
import type { PluginEnd, PluginWork } from './plugin-work.ts'
import type { PluginLimits } from './limits.ts'
import { loadPlugin } from './load-plugin.ts'
import { toError } from './plugin-thread.ts'
import type { Lease } from './pool.ts'
import type { JobMethods, PluginEntry, SessionMethods } from './protocol.ts'
import { allowPrograms } from './programs.ts'
import { checked, runEnd } from './requests.ts'
import { SessionServer } from './serve-session.ts'
import { checkedSession } from './untrusted.ts'
import type { Wire } from './wire.ts'

/** How long the last messages of a thread that is over may take. */
const LAST_MESSAGES_MS = 5_000

export interface SessionWork extends PluginWork {
  readonly lease: Lease
  readonly entry: PluginEntry
  /** The plugin's code is in its thread. */
  readonly loaded: () => void
  readonly limits: PluginLimits
  readonly clock: Clock
}

/** Never rejects. */
export async function runSession(work: SessionWork): Promise<PluginEnd> {
  if (work.signal.aborted) return { kind: 'stopped' }
  using running = new RunningSession(work)
  return await running.end
}

class RunningSession implements Disposable {
  readonly #work: SessionWork
  readonly #resources = new DisposableStack()
  readonly #server: SessionServer
  readonly #wire: Wire<JobMethods, SessionMethods>
  readonly #end = Promise.withResolvers<PluginEnd>() // R1

  constructor(work: SessionWork) {
    this.#work = work
    const { entry, io, session, lease } = work
    this.#server = this.#resources.use(new SessionServer(allowPrograms(io, entry, session.settings)))
    const { handlers } = this.#server
    const served = entry.isolation.kind === 'process' ? checkedSession(handlers) : handlers
    this.#wire = this.#resources.use(lease.open<JobMethods, SessionMethods>(served))
    this.#stopWhenAsked()
    void this.#runPlugin()
    void this.#watchContract()
    void this.#watchThread()
  }

  get end(): Promise<PluginEnd> {
    return this.#end.promise
  }

  [Symbol.dispose](): void {
    this.#resources.dispose()
  }

  async #runPlugin(): Promise<void> {
    const { entry, session, progress } = this.#work
    try {
      await loadPlugin(this.#wire, entry, this.#work)
      this.#work.loaded()
      const end = await this.#wire.call('run', { session, ...(progress && { progress }) })
      this.#end.resolve(checked(runEnd, end, 'What run returned'))
    } catch (error) {
      // With its thread gone, the end of the thread says why.
      if (this.#wire.isOpen) this.#fail(error)
    }
  }

  async #watchContract(): Promise<void> {
    const error = await this.#server.failed
    await lastMessages(this.#server.settled())
    this.#fail(fromEnvelope(error))
  }

  async #watchThread(): Promise<void> {
    const { lease, entry, limits } = this.#work
    const over = await lease.over
    await lastMessages(this.#server.settled())
    const error = toEnvelope(toError(over, entry.name, limits))
    this.#end.resolve(this.#work.signal.aborted ? { kind: 'stopped' } : { kind: 'interrupted', error })
  }

  #stopWhenAsked(): void {
    const { signal, limits, clock, lease } = this.#work
    const stop = () => {
      this.#wire.notify('stop', undefined)
      const giveUp = () => {
        lease.condemn()
        this.#end.resolve({ kind: 'stopped' })
      }
      this.#resources.use(clock.after(limits.stopMs, giveUp))
    }
    signal.addEventListener('abort', stop, { once: true })
    this.#resources.defer(() => signal.removeEventListener('abort', stop))
  }

  // R2
  #fail(error: unknown): void {
    const { code, message } = toEnvelope(error)
    this.#end.resolve(this.#work.signal.aborted ? { kind: 'stopped' } : { kind: 'error', code, message })
  }
}

// R3
const lastMessages = (settled: Promise<void>): Promise<void> =>
  within(LAST_MESSAGES_MS, 'Storing the last messages of a session', settled).catch(() => {})
