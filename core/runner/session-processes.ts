/**
 * The processes of one session, by number: started for its plugin, or found from an earlier host. All gone when disposed,
 * unless the session was let go of before.
 *
 * P1 Process n is the n-th that was started well, from 0. The plugin gets it by its n-th call, in whichever thread or host.
 * P2 Each has a folder of its own below that of the session; a folder is never used again.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../base/logger.ts'
import { within } from '../base/waiting.ts'
import type { Command } from '../plugin/contract/io.ts'
import type { HostProcess, OutputChunk, Progress } from '../plugin/host-io.ts'
import { endOrphans } from '../sandbox/orphans.ts'
import type { ProcessSandbox } from '../sandbox/process-sandbox.ts'
import type { SandboxProcess } from '../sandbox/types.ts'
import { makeSessionFolder, nextOf, scratchOf } from './session-folders.ts'

export interface ProcessesOptions {
  readonly sandbox: ProcessSandbox
  readonly folder: string
  /** Makes that folder. Default: `makeSessionFolder`. */
  readonly makeFolder?: (folder: string) => void
  readonly env: () => Readonly<Record<string, string>>
  readonly logger: Logger
}

/** Whoever the processes are handed to. */
export interface Holder {
  readonly cwd: string
  /** How far it has come in their output. */
  readonly offsets: Progress['offsets']
  readonly onOutput: () => void
  /** Throws when the processes are not the holder's any more. */
  readonly assertHolds: () => void
}

const BEGINNING = { stdout: 0, stderr: 0 }
/** A program may not read what is being written to it. */
const RELEASE_BOUND_MS = 2_000

export class SessionProcesses implements AsyncDisposable {
  readonly #options: ProcessesOptions
  readonly #processes: SandboxProcess[] = []
  /** The number of the next folder. */
  #folders = 0
  /** The last start; they come one after the other. */
  #starting: Promise<unknown> = Promise.resolve()
  /** What is on its way to processes. */
  readonly #busy = new Set<Promise<unknown>>()
  #lost = false
  #closed = false
  #released = false

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#processes.length
  }

  /** One that an earlier host had started is gone, and nobody knows how it ended. */
  get lost(): boolean {
    return this.#lost
  }

  /** For the files of the agent's program. */
  get scratch(): string {
    return scratchOf(this.#options.folder)
  }

  prepare(): void {
    const { folder, makeFolder = makeSessionFolder } = this.#options
    makeFolder(folder)
  }

  /** True when an earlier host has started something. */
  get anyLeft(): boolean {
    return this.#listFolders().length > 0
  }

  /** Takes up what an earlier host started, and ends what that host died over before it knew the process. */
  async attach(): Promise<void> {
    const { folder, sandbox, logger } = this.#options
    const names = this.#listFolders()
    const found = await Promise.all(names.map((name) => sandbox.attach(join(folder, name))))
    const known = new Set(names.filter((_, index) => found[index]))
    if (known.size < names.length || names.length === 0) {
      await endOrphans(folder, { logger, keep: (name) => known.has(name) })
    }
    this.#folders = Math.max(-1, ...names.map(Number)) + 1
    for (const process of found) if (process) this.#watch(process)
  }

  /** Gives what starts processes for a holder: at first it gets those that are there (P1). */
  handTo(holder: Holder): (command: Command) => Promise<HostProcess> {
    let next = 0
    return async (command) => {
      holder.assertHolds()
      const process = await this.#nth(next, command, holder.cwd)
      return this.#toHostProcess(process, holder, holder.offsets[next++])
    }
  }

  /** From now on disposing leaves the processes alone; settles when nothing is on its way to them, soon in any case. */
  async release(): Promise<void> {
    this.#released = true
    const settled = Promise.allSettled([this.#starting, ...this.#busy])
    await within(RELEASE_BOUND_MS, 'Letting go of a session', settled).catch(() => {})
  }

  /** @throws TroupeError PROCESS_LEFT when one could not be ended; the others are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return
    this.#closed = true
    await this.#starting
    const stops = await Promise.allSettled(this.#processes.map((process) => process[Symbol.asyncDispose]()))
    const failed = stops.find((stop) => stop.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** The process of this number; it is started when there is none yet. */
  #nth(number: number, command: Command, cwd: string): Promise<SandboxProcess> {
    // Another thread may have ended while it started this very one.
    const process = this.#starting.then(() => this.#processes[number] ?? this.#start(command, cwd))
    this.#starting = process.catch(() => {})
    return process
  }

  async #start(command: Command, cwd: string): Promise<SandboxProcess> {
    const { sandbox, folder, env } = this.#options
    const process = await sandbox.spawn({
      folder: join(folder, String(this.#folders++)), // P2
      madeAhead: nextOf(folder),
      program: command.program,
      args: command.args,
      env: { ...env(), ...command.env },
      cwd: command.cwd ?? cwd,
      stdin: command.stdin ?? 'none',
    })
    this.#processes.push(process)
    if (this.#closed) await process.stop()
    return process
  }

  #watch(process: SandboxProcess): void {
    this.#processes.push(process)
    void process.exited.then(({ unrecorded }) => {
      if (unrecorded) this.#lost = true
    })
  }

  #toHostProcess(process: SandboxProcess, holder: Holder, from = BEGINNING): HostProcess {
    const { assertHolds, onOutput } = holder
    const held = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      assertHolds()
      return this.#track(call())
    }
    return {
      output: noticed(process.output(from), onOutput),
      exited: process.exited.then(({ code, signal }) => ({ code, ...(signal !== undefined && { signal }) })),
      write: (text) => held(() => process.write(text)),
      signal: (name) => held(() => process.signal(name)),
      stop: () => held(() => process.stop()),
    }
  }

  async #track<Result>(work: Promise<Result>): Promise<Result> {
    this.#busy.add(work)
    try {
      return await work
    } finally {
      this.#busy.delete(work)
    }
  }

  #listFolders(): string[] {
    const names = namesIn(this.#options.folder).filter((name) => /^\d+$/.test(name))
    return names.toSorted((a, b) => Number(a) - Number(b))
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

async function* noticed(chunks: AsyncIterable<OutputChunk>, onOutput: () => void): AsyncIterable<OutputChunk> {
  for await (const chunk of chunks) {
    onOutput()
    yield chunk
  }
}
