/**
 * A process that runs, spawned by this host or found from one before. Owns a watch on the folder until the end.
 *
 * - R1 `exited` settles once the wrapper is gone, so the exit code is final and every byte of the program is in its files.
 * - R2 Output is read when asked for and kept nowhere.
 * - R3 The output in the files is bounded, read or not: beyond the limit the process is stopped.
 */
import { statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { sleep, within } from '../base/waiting.ts'
import { endProcesses, sendSignal } from './end-processes.ts'
import { KILLED, readExit } from './exit-code.ts'
import { FolderWatch } from './folder-watch.ts'
import { InputPipe } from './input-pipe.ts'
import { OutputReader } from './output-reader.ts'
import type { ProcessFolder } from './process-folder.ts'
import type { ProcessIdentity, ProcessTable } from './process-table.ts'
import type { OutputChunk, ProcessExit, SandboxProcess } from './types.ts'

const STOP_GRACE_MS = 5_000
/** From the last process gone to hearing of it. */
const EXIT_BOUND_MS = 30_000
/** A program that prints much changes its folder all the time. */
const CHECK_PAUSE_MS = 50

export interface ProcessLimits {
  /** Of both streams together; beyond it the process is stopped with LIMIT_OUTPUT. */
  readonly outputBytes: number
  /** How long a program may leave a full input pipe unread. */
  readonly inputStallMs: number
}

export interface ProcessServices {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: ProcessLimits
  readonly table: ProcessTable
}

export interface ProcessParts {
  readonly folder: ProcessFolder
  readonly program: string
  readonly liveInput: boolean
  readonly wrapper: ProcessIdentity
  /** Settles when the wrapper is gone, with what it said; without it (it is not our child) the process table is asked. */
  readonly wrapperEnded?: Promise<ProcessExit>
}

export class RunningProcess implements SandboxProcess {
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  readonly #parts: ProcessParts
  readonly #services: ProcessServices
  readonly #watch: FolderWatch
  readonly #input: InputPipe
  readonly #ended = new AbortController()
  #stopping: Promise<ProcessExit> | undefined

  constructor(parts: ProcessParts, services: ProcessServices) {
    const { folder, program } = parts
    this.#parts = parts
    this.#services = services
    this.pid = parts.wrapper.pid
    this.#watch = new FolderWatch(folder.path, services.clock)
    const { inputStallMs } = services.limits
    this.#input = new InputPipe(folder.in, { program, stallMs: inputStallMs, ended: this.ended })
    this.exited = this.#waitForExit()
    void this.#guardLimit()
  }

  /** Aborts when `exited` settles. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  async *output(from = { stdout: 0, stderr: 0 }): AsyncGenerator<OutputChunk, void, undefined> {
    using reader = new OutputReader(this.#parts.folder, from, this.#services.limits.outputBytes)
    let sealed = false
    for (;;) {
      const change = this.#watch.next()
      if (this.ended.aborted && !sealed) {
        reader.sealEnd() // a descendant that writes on for ever must not keep the iteration open
        sealed = true
      }
      const chunk = reader.read()
      if (chunk) {
        yield chunk
        await setImmediate() // reading is synchronous: others get their turn
      } else if (reader.exceeded) this.#failLimit()
      else if (sealed) return
      else await change
    }
  }

  async write(text: string): Promise<void> {
    const { program, liveInput } = this.#parts
    if (!liveInput) fail('UNSUPPORTED', `${program} takes no input while it runs: it was not started with live input.`)
    await this.#input.write(text)
  }

  /** To the program, which is the wrapper's child; nothing happens when it has ended. */
  async signal(name: 'SIGINT' | 'SIGTERM'): Promise<void> {
    const { table } = this.#services
    const children = (await table.scan()).filter((entry) => entry.ppid === this.pid)
    if (!(await table.isAlive(this.#parts.wrapper))) return
    for (const child of children) sendSignal(table, child, name)
  }

  stop(graceMs = STOP_GRACE_MS): Promise<ProcessExit> {
    this.#stopping ??= this.#end(graceMs).catch((error: unknown) => {
      this.#stopping = undefined // so that it can be tried again
      throw error
    })
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(graceMs: number): Promise<ProcessExit> {
    const { folder, program, wrapper } = this.#parts
    const condemned = { wrappers: [wrapper], marked: (marker: string) => marker === folder.path }
    const { left } = await endProcesses(this.#services.table, condemned, graceMs)
    if (left.length > 0) failLeft(program, left)
    return within(EXIT_BOUND_MS, `Ending ${program}`, this.exited)
  }

  async #waitForExit(): Promise<ProcessExit> {
    const heard = await (this.#parts.wrapperEnded ?? this.#watchForEnd())
    const exit = (await readExit(this.#parts.folder.exit)) ?? heard
    this.#ended.abort()
    this.#watch[Symbol.dispose]()
    return exit
  }

  async #watchForEnd(): Promise<ProcessExit> {
    const { folder, wrapper } = this.#parts
    for (;;) {
      const change = this.#watch.next()
      const exit = await readExit(folder.exit)
      if (exit) return exit
      if (!(await this.#services.table.isAlive(wrapper))) return KILLED
      await change
      await sleep(CHECK_PAUSE_MS)
    }
  }

  async #guardLimit(): Promise<void> {
    while (!this.ended.aborted) {
      const change = this.#watch.next()
      if (this.#outputBytes() > this.#services.limits.outputBytes) return this.#stopForLimit()
      await change
      await sleep(CHECK_PAUSE_MS, this.ended).catch(() => {})
    }
  }

  #outputBytes(): number {
    const { out, err } = this.#parts.folder
    const sizes = [out, err].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  #failLimit(): never {
    this.#stopForLimit()
    const { program } = this.#parts
    const { outputBytes } = this.#services.limits
    return fail(
      'LIMIT_OUTPUT',
      `${program} printed more than ${outputBytes} bytes and was stopped. Make it print less.`,
    )
  }

  /** Without grace: the disk fills meanwhile. */
  #stopForLimit(): void {
    const { logger } = this.#services
    const { program, folder } = this.#parts
    logger.warn({ program, folder: folder.path }, 'stopping a process for the amount of its output')
    this.stop(0).catch((error: unknown) => logger.error({ err: error, program }, 'could not stop a process'))
  }
}

const failLeft = (program: string, left: readonly number[]): never =>
  fail('PROCESS_LEFT', `Processes of ${program} survived SIGKILL: ${left.join(', ')}. End them by hand.`, { left })
