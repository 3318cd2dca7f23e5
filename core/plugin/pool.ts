/**
 * The threads and processes that plugins run in; what is said here of threads holds for processes too.
 *
 * Owns a Piscina pool, every thread in it, and the processes.
 *
 * T1 A thread serves one plugin only. One that is not shared runs one session and is ended with it, so nothing that a session
 *    leaves behind meets another; a shared one is filled up before another is started, and kept for a while without work.
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
import type { Carrier, Isolation, ThreadOver } from './carrier.ts'
import { toMessageShapes } from './message-shapes.ts'
import { PluginThread } from './plugin-thread.ts'
import { startProcess } from './process-carrier.ts'
import type { ThreadData } from './thread.ts'
import { startThread } from './thread-carrier.ts'
import type { Handlers, Wire } from './wire.ts'

const ENVIRONMENT = ['HOME', 'LANG', 'LC_ALL', 'PATH', 'TMPDIR', 'TZ']
const MOST_THREADS = 100_000
/** A thread is idle most of the time: with what is the default it would hold many MiB for new objects, and gain little by it. */
const YOUNG_MB = 4
const END_MS = 10_000
const PRINTED_CHARACTERS = 2_000

/** Whose code a thread runs. */
export interface Tenant {
  readonly plugin: string
  /** Of its main module: another version has another. */
  readonly url: string
  /** Its sessions may share a thread. */
  readonly shares: boolean
  readonly isolation: Isolation
}

/** `session` runs the plugin; `look` loads it to ask it something; `prepare` loads it for the session that comes next. */
export type Purpose = 'session' | 'look' | 'prepare'

/** A place in a thread for one job; disposed when the job is done. */
export interface Lease extends Disposable {
  /**
   * Settles when the thread is over and what it sent has arrived; never once the lease is disposed. It is the lease's own: what waits
   * for the end of a thread that many share would be kept as long as the thread.
   */
  readonly over: Promise<ThreadOver>
  open<Remote, Local>(handlers: Handlers<Local>): Wire<Remote>
  /** The thread takes no further job: this one did not end when it should have. */
  condemn(): void
}

/** A thread and who is in it. */
interface Room {
  readonly thread: PluginThread
  readonly tenant: Tenant
  /** What tells each job that the thread is over. */
  readonly jobs: Set<(over: ThreadOver) => void>
  /** It takes jobs. */
  open: boolean
  /** It stays for a while when its jobs are done. */
  lingers: boolean
  timer: Disposable | undefined
}

export interface PoolOptions {
  readonly limits: PluginLimits
  readonly clock: Clock
  readonly logger: Logger
  /** Where compiled code is kept, so that a thread begins in half the time and two thirds of the memory. Private to the user. */
  readonly compiledDir?: string
  /** Whose environment threads see a few variables of. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export class ThreadPool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #piscina: Piscina
  readonly #rooms = new Set<Room>()
  readonly #workers = new Map<Worker, Promise<void>>()
  readonly #shapes = toMessageShapes()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url)),
      name: 'serve',
      minThreads: 0,
      maxThreads: MOST_THREADS,
      atomics: 'disabled',
      resourceLimits: {
        maxOldGenerationSizeMb: options.limits.memoryMb,
        maxYoungGenerationSizeMb: YOUNG_MB,
      },
      workerData: { shapes: this.#shapes } satisfies ThreadData,
      env: threadEnvironment(options),
      execArgv: [],
    })
    this.#piscina.on('error', (error: Error) => options.logger.warn({ error: error.message }, 'a plugin thread failed'))
  }

  lease(tenant: Tenant, purpose: Purpose): Lease {
    const room = this.#find(tenant, purpose) ?? this.#start(tenant)
    const over = Promise.withResolvers<ThreadOver>()
    room.jobs.add(over.resolve)
    room.timer?.[Symbol.dispose]()
    if (!tenant.shares) room.open = purpose === 'prepare' // T1
    room.lingers = purpose === 'prepare' || (tenant.shares && (room.lingers || purpose === 'session'))
    return {
      over: over.promise,
      open: (handlers) => room.thread.open(handlers),
      condemn: () => void (room.open = false),
      [Symbol.dispose]: () => this.#leave(room, over.resolve),
    }
  }

  /** Threads that are there take no further job: the code on the disk may have changed. */
  retire(): void {
    for (const room of this.#rooms) {
      room.open = false
      if (room.jobs.size === 0) room.thread.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = [...this.#rooms].map(({ thread }) => thread)
    for (const thread of threads) thread.end()
    try {
      await within(END_MS, 'Ending the threads of plugins', Promise.all(threads.map(({ over }) => over)))
      await within(END_MS, 'Ending the threads of plugins', Promise.all(this.#workers.values()))
    } finally {
      await within(END_MS, 'Ending the pool of threads', this.#piscina.destroy())
    }
  }

  #find(wanted: Tenant, purpose: Purpose): Room | undefined {
    if (!wanted.shares && purpose === 'look') return undefined
    const most = wanted.shares ? this.#options.limits.sessionsPerThread : Infinity
    const fits = ({ thread, tenant, open, jobs }: Room) =>
      open && thread.alive && isSame(tenant, wanted) && jobs.size < most
    return this.#rooms.values().find(fits)
  }

  #leave(room: Room, job: (over: ThreadOver) => void): void {
    room.jobs.delete(job)
    if (room.jobs.size > 0) return
    const { clock, limits } = this.#options
    if (room.open && room.lingers) room.timer = clock.after(limits.lingerMs, () => room.thread.end())
    else room.thread.end()
  }

  #start(tenant: Tenant): Room {
    const thread = new PluginThread(this.#options, tenant.plugin, this.#carry(tenant))
    const room: Room = { thread, tenant, jobs: new Set(), open: true, lingers: false, timer: undefined }
    this.#rooms.add(room)
    void thread.over.then((over) => {
      room.timer?.[Symbol.dispose]()
      this.#rooms.delete(room)
      for (const tell of room.jobs) tell(over)
    })
    for (const worker of this.#piscina.threads) this.#adopt(worker)
    return room
  }

  #carry({ plugin, isolation }: Tenant): Carrier {
    if (isolation.kind === 'thread') return startThread(this.#piscina)
    const { limits, logger } = this.#options
    return startProcess({
      isolation,
      memoryMb: limits.memoryMb,
      shapes: this.#shapes,
      onPrinted: (stream, text) =>
        logger.debug({ plugin, stream, text: text.slice(0, PRINTED_CHARACTERS) }, 'a plugin printed'),
    })
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

const isSame = (one: Tenant, other: Tenant): boolean =>
  one.plugin === other.plugin &&
  one.url === other.url &&
  one.shares === other.shares &&
  one.isolation.kind === other.isolation.kind

/** A thread is not a place for secrets: of the host's environment it sees little. */
const threadEnvironment = ({ compiledDir, env = process.env }: PoolOptions): Record<string, string> => ({
  ...Object.fromEntries(ENVIRONMENT.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
  ...(compiledDir !== undefined && { NODE_COMPILE_CACHE: compiledDir }),
})
