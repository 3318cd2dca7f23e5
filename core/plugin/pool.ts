/**
 * The threads that plugins run in.
 *
 * Owns a Piscina pool and every thread in it.
 *
 * T1 A thread serves one plugin only, and is ended when its last job is done: nothing that a plugin leaves behind meets
 *    another session.
 * T2 Of each task that Piscina runs there is one, for as long as the thread lives, so Piscina never shares or queues.
 * T3 What plugins print goes to the debug log, never to the host's own output.
 */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { within } from '../base/waiting.ts'
import type { PluginLimits } from './limits.ts'
import { PluginThread, type ThreadOver } from './plugin-thread.ts'
import type { Handlers, Wire } from './wire.ts'

/** A thread is not a place for secrets: of the host's environment it sees only this. */
const ENVIRONMENT = ['HOME', 'LANG', 'LC_ALL', 'PATH', 'TMPDIR', 'TZ']
const MOST_THREADS = 100_000
const END_MS = 10_000
const PRINTED_CHARACTERS = 2_000

/** A place in a thread for one job; disposed when the job is done. */
export interface Lease extends Disposable {
  /** Settles when the thread is over; what it sent before may still be on its way. */
  readonly over: Promise<ThreadOver>
  open<Remote, Local>(handlers: Handlers<Local>): Wire<Remote>
  /** Ends the thread now, with all jobs in it. */
  end(): void
}

export interface PoolOptions {
  readonly limits: PluginLimits
  readonly clock: Clock
  readonly logger: Logger
}

export class ThreadPool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #piscina: Piscina
  readonly #threads = new Set<PluginThread>()
  readonly #workers = new Map<Worker, Promise<void>>()
  #spare: PluginThread | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url)),
      name: 'serve',
      minThreads: 0,
      maxThreads: MOST_THREADS,
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: options.limits.memoryMb },
      env: Object.fromEntries(ENVIRONMENT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
      execArgv: [],
    })
    this.#piscina.on('error', (error: Error) => options.logger.warn({ error: error.message }, 'a plugin thread failed'))
    this.#prepareSpare()
  }

  lease(plugin: string): Lease {
    const thread = this.#shared(plugin) ?? this.#takeSpare() ?? this.#start()
    thread.plugin = plugin
    thread.jobs++
    this.#prepareSpare()
    return {
      over: thread.over,
      open: (handlers) => thread.open(handlers),
      end: () => thread.end(),
      [Symbol.dispose]: () => {
        if (--thread.jobs === 0) thread.end() // T1
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.#threads) thread.end()
    await within(END_MS, 'Ending the threads of plugins', Promise.all([...this.#threads].map(({ over }) => over)))
    await within(END_MS, 'Ending the threads of plugins', Promise.all(this.#workers.values()))
    await this.#piscina.destroy()
  }

  #shared(plugin: string): PluginThread | undefined {
    const { sessionsPerThread } = this.#options.limits
    for (const thread of this.#threads) {
      if (thread.alive && thread.plugin === plugin && thread.jobs < sessionsPerThread) return thread
    }
    return undefined
  }

  #prepareSpare(): void {
    if (this.#options.limits.spareThreads > 0 && !this.#spare?.alive) this.#spare = this.#start()
  }

  #takeSpare(): PluginThread | undefined {
    const spare = this.#spare
    this.#spare = undefined
    return spare?.alive ? spare : undefined
  }

  #start(): PluginThread {
    const thread = new PluginThread({ piscina: this.#piscina, ...this.#options })
    this.#threads.add(thread)
    void thread.over.then(() => this.#threads.delete(thread))
    for (const worker of this.#piscina.threads) this.#adopt(worker)
    return thread
  }

  // T3
  #adopt(worker: Worker): void {
    if (this.#workers.has(worker)) return
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    this.#workers.set(worker, exited)
    void exited.then(() => this.#workers.delete(worker))
    const thread = worker.threadId
    for (const stream of ['stdout', 'stderr'] as const) {
      // Node has already begun to pass it to the host's own output.
      const printed = worker[stream].unpipe().setEncoding('utf8')
      printed.on('data', (text: string) => {
        this.#options.logger.debug({ thread, stream, text: text.slice(0, PRINTED_CHARACTERS) }, 'a plugin printed')
      })
      printed.resume()
    }
  }
}
