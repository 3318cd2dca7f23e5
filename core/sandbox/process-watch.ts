/**
 * Notices what happens to a process, through its folder and the process table: that it ends, and that it prints. One
 * that this host spawned is observed exactly like one from before. Owns a watch on the folder until the end.
 *
 * - It has ended when its wrapper is gone: the program could write an exit code itself. What is in the exit file only says
 *   that the wrapper ends now, which is then seen within milliseconds; of one that was killed a regular look tells.
 * - An idle process costs a few kilobytes and, every other second, four looks at the system.
 * - A wrapper that somebody stopped is continued: else nobody would hear that its program has ended.
 * - A system short of descriptors does not make a process look ended.
 */
import { lstatSync } from 'node:fs'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import { KILLED, readExit } from './exit-code.ts'
import type { FolderWatches } from './folder-watches.ts'
import { EXIT_FILE, type ProcessFolder } from './process-folder.ts'
import type { ProcessIdentity, ProcessTable } from './process-table.ts'
import type { ProcessExit } from './types.ts'

/** A program that prints much changes its folder all the time. */
const MEASURE_PAUSE_MS = 50
/** How long a wrapper that says that it ends is looked at more often: 127 ms in all. */
const FIRST_LOOK_MS = 1
const LAST_LOOK_MS = 64

export interface Watched {
  readonly folder: ProcessFolder
  readonly wrapper: ProcessIdentity
}

export interface WatchServices {
  readonly logger: Logger
  readonly table: ProcessTable
  readonly watches: FolderWatches
}

export class ProcessWatch {
  readonly exited: Promise<ProcessExit>
  readonly #watched: Watched
  readonly #services: WatchServices
  readonly #onSize: (bytes: number) => void
  readonly #exit = Promise.withResolvers<ProcessExit>()
  readonly #watch: Disposable
  #ended = false
  /** The end was announced, and is looked for. */
  #ending = false
  #measuredAt = 0
  #bytes = 0
  /** Somebody waits for it. */
  #change: PromiseWithResolvers<void> | undefined

  /** `onSize` hears from time to time how much the program has printed, on both streams together. */
  constructor(watched: Watched, services: WatchServices, onSize: (bytes: number) => void) {
    this.#watched = watched
    this.#services = services
    this.#onSize = onSize
    this.exited = this.#exit.promise
    this.#watch = services.watches.watch(watched.folder.path, (file) => this.#notice(file))
    this.#notice(undefined)
  }

  /** True when `exited` is settled. */
  get ended(): boolean {
    return this.#ended
  }

  /** Settles when the program has printed or ended; to be asked for as long as it has not ended. */
  nextChange(): Promise<void> {
    this.#change ??= Promise.withResolvers()
    return this.#change.promise
  }

  /** Looks whether it has ended, which a killed wrapper does not tell. */
  async look(): Promise<void> {
    const { folder, wrapper } = this.#watched
    await this.#attempt(async () => {
      const { table } = this.#services
      if (!(await table.isAlive(wrapper))) this.#end(readExit(folder.exit) ?? KILLED)
      else if (table.isStopped(wrapper)) process.kill(wrapper.pid, 'SIGCONT')
    })
  }

  /** With the file that changed, or without one, for what may have been missed. */
  #notice(file: string | undefined): void {
    if (this.#ended) return
    const now = performance.now()
    if (file === undefined || now - this.#measuredAt > MEASURE_PAUSE_MS) this.#measure(now)
    if (file === undefined) void this.look()
    else this.#wake()
    if (file === EXIT_FILE && !this.#ending) void this.#attempt(() => this.#seeEnd())
  }

  /** The wrapper has only to exit after it has written the code. */
  async #seeEnd(): Promise<void> {
    if (!readExit(this.#watched.folder.exit)) return
    this.#ending = true
    for (let pause = FIRST_LOOK_MS; !this.#ended && pause <= LAST_LOOK_MS; pause *= 2) {
      await this.look()
      if (!this.#ended) await sleep(pause)
    }
    this.#ending = false
  }

  async #attempt(look: () => void | Promise<void>): Promise<void> {
    try {
      await look()
    } catch (error) {
      const { path } = this.#watched.folder
      this.#services.logger.warn({ err: error, folder: path }, 'could not look whether a process has ended')
    }
  }

  #measure(now: number): void {
    const { out, err } = this.#watched.folder
    const bytes = sizeOf(out) + sizeOf(err)
    if (bytes !== this.#bytes) this.#wake()
    this.#measuredAt = now
    this.#bytes = bytes
    this.#onSize(bytes)
  }

  #end(exit: ProcessExit): void {
    if (this.#ended) return
    this.#ended = true
    this.#watch[Symbol.dispose]()
    this.#exit.resolve(exit)
    this.#wake()
  }

  #wake(): void {
    this.#change?.resolve()
    this.#change = undefined
  }
}

/** Nothing of a file that the program has put out of reach; who reads it hears of that. */
function sizeOf(file: string): number {
  try {
    return lstatSync(file).size
  } catch {
    return 0
  }
}
