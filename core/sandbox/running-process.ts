/**
 * A process that runs or has ended, spawned by this host or by one before, and what can be done with it.
 *
 * - R1 `exited` settles once the wrapper is gone, so it is final and every byte of the program is in its files.
 * - R2 Output is read when asked for and kept nowhere.
 * - R3 The output in the files is bounded, read or not: beyond the limit the process is stopped.
 */
import { setImmediate } from 'node:timers/promises'
import { fail } from '../base/errors.ts'
import { sleep, within } from '../base/waiting.ts'
import { endProcesses, sendSignal } from './end-processes.ts'
import { InputPipe } from './input-pipe.ts'
import { OutputReader } from './output-reader.ts'
import { ProcessWatch, type Watched, type WatchServices } from './process-watch.ts'
import type { Spawner } from './spawner.ts'
import type { OutputChunk, ProcessExit, SandboxProcess } from './types.ts'

const STOP_GRACE_MS = 5_000
/** From the last process gone to hearing of it. */
const EXIT_BOUND_MS = 30_000
/** What the system is short of now may be there again then. */
const SHORTAGE_PAUSE_MS = 200

export interface ProcessLimits {
  /** Of both streams together; beyond it the process is stopped with LIMIT_OUTPUT. */
  readonly outputBytes: number
  /** How long a program may leave a full input pipe unread. */
  readonly inputStallMs: number
}

export interface ProcessServices extends WatchServices {
  readonly limits: ProcessLimits
  readonly spawner: Spawner
}

export interface ProcessParts extends Watched {
  readonly program: string
  readonly liveInput: boolean
}

export class RunningProcess implements SandboxProcess {
  readonly #parts: ProcessParts
  readonly #services: ProcessServices
  readonly #watch: ProcessWatch
  #input: InputPipe | undefined
  #stopping: Promise<ProcessExit> | undefined

  constructor(parts: ProcessParts, services: ProcessServices) {
    this.#parts = parts
    this.#services = services
    this.#watch = new ProcessWatch(parts, services, (bytes) => this.#guardLimit(bytes))
    void this.exited.then(() => services.spawner.reap(this.pid))
  }

  get pid(): number {
    return this.#parts.wrapper.pid
  }

  get exited(): Promise<ProcessExit> {
    return this.#watch.exited
  }

  /** True when `exited` is settled. */
  get ended(): boolean {
    return this.#watch.ended
  }

  async *output(from = { stdout: 0, stderr: 0 }): AsyncGenerator<OutputChunk, void, undefined> {
    const reader = new OutputReader(this.#parts.folder, from, this.#services.limits.outputBytes)
    let sealed = false
    for (;;) {
      if (this.ended && !sealed) {
        reader.sealEnd() // a descendant that writes on for ever must not keep the iteration open
        sealed = true
      }
      const reading = reader.read()
      if (reading === 'limit') this.#failLimit()
      else if (reading === 'shortage') await sleep(SHORTAGE_PAUSE_MS)
      else if (reading !== 'nothing') {
        yield reading.chunk
        await setImmediate() // reading is synchronous: others get their turn
      } else if (sealed) return
      else await this.#watch.nextChange()
    }
  }

  async write(text: string): Promise<void> {
    const { program, liveInput } = this.#parts
    if (!liveInput) fail('UNSUPPORTED', `${program} takes no input while it runs: it was not started with live input.`)
    this.#input ??= this.#openInput()
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
    this.#stopping ??= this.#stop(graceMs).catch((error: unknown) => {
      this.#stopping = undefined // so that it can be tried again
      throw error
    })
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(graceMs: number): Promise<ProcessExit> {
    const { folder, program, wrapper } = this.#parts
    const condemned = { wrappers: [wrapper], marked: (marker: string) => marker === folder.path }
    const { left } = await endProcesses(this.#services.table, condemned, graceMs)
    if (left.length > 0) failLeft(program, left)
    await this.#watch.look()
    return within(EXIT_BOUND_MS, `Ending ${program}`, this.exited)
  }

  #openInput(): InputPipe {
    const { folder, program } = this.#parts
    const { inputStallMs: stallMs } = this.#services.limits
    return new InputPipe({ path: folder.in, partPath: folder.inPart, program, stallMs, hasEnded: () => this.ended })
  }

  #guardLimit(bytes: number): void {
    if (bytes > this.#services.limits.outputBytes) this.#stopForLimit()
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
    if (this.#stopping !== undefined) return
    const { logger } = this.#services
    const { program, folder } = this.#parts
    logger.warn({ program, folder: folder.path }, 'stopping a process for the amount of its output')
    this.stop(0).catch((error: unknown) => logger.error({ err: error, program }, 'could not stop a process'))
  }
}

const failLeft = (program: string, left: readonly number[]): never =>
  fail('PROCESS_LEFT', `Processes of ${program} survived SIGKILL: ${left.join(', ')}. End them by hand.`, { left })
