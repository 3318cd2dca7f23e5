/** Where an agent's processes run: one interface, three kinds (`process` now; `docker` and `podman` later). */

export interface SpawnRequest {
  /** A folder of its own for this process's files: its output, its pipe, its exit code. Absolute; created if missing. */
  readonly folder: string
  /** Where `makeProcessFolder` may have made that folder ahead; it is moved from there. Beside `folder`. */
  readonly madeAhead?: string
  readonly program: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited from the host. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdin: 'none' | 'live' | { readonly content: string }
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal?: string
  /** The wrapper ended too, without a word: by SIGKILL, or with the machine. */
  readonly unrecorded?: true
}

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  /** Where the chunk begins in its stream, in bytes. */
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface SandboxProcess extends AsyncDisposable {
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  /** Reads on from these offsets, only as chunks are asked for; ends after exit, when all was read. */
  output(from?: { stdout: number; stderr: number }): AsyncIterable<OutputChunk>
  /** @throws TroupeError UNSUPPORTED unless stdin is `live`. */
  write(text: string): Promise<void>
  signal(name: 'SIGINT' | 'SIGTERM'): Promise<void>
  /**
   * Ends the process and every descendant, double-forked ones and those in sessions of their own included:
   * SIGTERM, after `graceMs` SIGKILL, until none is left.
   * @throws TroupeError PROCESS_LEFT when something survives SIGKILL.
   */
  stop(graceMs?: number): Promise<ProcessExit>
}

export interface Sandbox {
  /** @throws TroupeError PROCESS_START, with the program's name, when it cannot be started. */
  spawn(request: SpawnRequest): Promise<SandboxProcess>
}
