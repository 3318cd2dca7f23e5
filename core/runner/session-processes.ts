/** The processes of one session: started for its plugin, all gone when disposed. */
import { join } from 'node:path'
import type { Command } from '../plugin/contract/io.ts'
import type { HostProcess, OutputChunk } from '../plugin/host-io.ts'
import type { Sandbox, SandboxProcess } from '../sandbox/types.ts'

export interface ProcessesOptions {
  readonly sandbox: Sandbox
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly onOutput: () => void
}

async function* noticed(chunks: AsyncIterable<OutputChunk>, onOutput: () => void): AsyncIterable<OutputChunk> {
  for await (const chunk of chunks) {
    onOutput()
    yield chunk
  }
}

export class SessionProcesses implements AsyncDisposable {
  readonly #options: ProcessesOptions
  readonly #started: Promise<SandboxProcess>[] = []
  #closed = false

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  /** @throws TroupeError PROCESS_START. */
  async spawn(command: Command): Promise<HostProcess> {
    const { sandbox, folder, env, cwd, onOutput } = this.#options
    const starting = sandbox.spawn({
      folder: join(folder, String(this.#started.length)),
      program: command.program,
      args: command.args,
      env: { ...env, ...command.env },
      cwd: command.cwd ?? cwd,
      stdin: command.stdin ?? 'none',
    })
    this.#started.push(starting)
    const process = await starting
    if (this.#closed) await process.stop()
    return {
      output: noticed(process.output(), onOutput),
      exited: process.exited,
      write: (text) => process.write(text),
      signal: (name) => process.signal(name),
      stop: () => process.stop(),
    }
  }

  /** @throws TroupeError PROCESS_LEFT when one could not be ended; the others are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const processes = await Promise.allSettled(this.#started)
    const stops = processes.map(async (process) => {
      if (process.status === 'fulfilled') await process.value[Symbol.asyncDispose]()
    })
    const failed = (await Promise.allSettled(stops)).find((stop) => stop.status === 'rejected')
    if (failed) throw failed.reason
  }
}
