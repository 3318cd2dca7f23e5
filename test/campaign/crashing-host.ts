/**
 * The real host as a process that is killed, or kills itself at a fault point, and is started again on the same data.
 * Owns: at most one process at a time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TroupeError } from '../../core/base/errors.ts'
import { sleep, within } from '../../core/base/waiting.ts'
import { type Client, makeClient } from '../../core/rpc/client/index.ts'
import { connectUnixHttp } from '../../core/rpc/client-node/unix.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'

const START_BOUND_MS = 60_000
/** More than the host gives itself before it ends by force. */
const STOP_BOUND_MS = 90_000
const KILLED = ' killed'
const MAIN = join(repositoryRoot, 'hosts/cli/main.ts')

export interface CrashingHostOptions {
  /** The data directory. */
  readonly home: string
  readonly cwd: string
  /** The whole environment; read at each start. */
  readonly env: Record<string, string>
  /** Goes before the program, for example `prlimit` with its arguments. */
  readonly wrapper?: readonly string[]
}

export type HostStart = { readonly kind: 'serving' } | { readonly kind: 'ended'; readonly stderr: string }

export class CrashingHost implements AsyncDisposable {
  readonly #options: CrashingHostOptions
  readonly #faults: string
  #child: ChildProcess | undefined
  #client: Client | undefined
  #stderr = ''
  /** How often a host was started. */
  starts = 0

  constructor(options: CrashingHostOptions) {
    this.#options = options
    this.#faults = join(options.home, '..', 'faults')
    mkdirSync(this.#faults, { recursive: true })
    this.arm([])
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** It ended, and nobody had called `end`. */
  get crashed(): boolean {
    return this.#child !== undefined && !this.alive
  }

  /** @throws TroupeError HOST_UNREACHABLE when the host is not serving. */
  get client(): Client {
    if (!this.#client) throw new TroupeError('HOST_UNREACHABLE', 'The host is not serving.')
    return this.#client
  }

  get socket(): string {
    return hostRecord(this.#options.home)?.socket ?? ''
  }

  /** How the host ended, for whoever did not expect it. */
  get epitaph(): string {
    const { exitCode, signalCode } = this.#child ?? {}
    return JSON.stringify({ exitCode, signalCode, stderr: this.#stderr, reached: this.reached().slice(-5) })
  }

  /** Points at which the host ends itself from now on; see hosts/fault-points.ts. */
  arm(points: readonly string[]): void {
    const file = join(this.#faults, 'armed')
    writeFileSync(`${file}.new`, points.join('\n'))
    renameSync(`${file}.new`, file)
  }

  /** The point at which the host ended itself, if that is how it ended. */
  killedAt(): string | undefined {
    const last = this.reached().at(-1)
    return last?.endsWith(KILLED) ? last.slice(0, -KILLED.length) : undefined
  }

  /** Points that were reached since `forget`, in their order. */
  reached(): string[] {
    const file = join(this.#faults, 'reached')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  }

  forget(): void {
    rmSync(join(this.#faults, 'reached'), { force: true })
  }

  /** Starts a host and waits until it serves or has ended. */
  async start(): Promise<HostStart> {
    const { home, cwd, env, wrapper = [] } = this.#options
    const [program, ...args] = [...wrapper, process.execPath, MAIN, 'up', '--port', '0']
    const child = spawn(program, args, {
      cwd,
      env: { ...env, TROUPE_FAULTS: this.#faults },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    // A campaign that is broken off leaves nothing running.
    const end = () => child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    this.#stderr = ''
    this.starts += 1
    child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    for (let waited = 0; waited < START_BOUND_MS; waited += 10) {
      if (!this.alive) return { kind: 'ended', stderr: this.#stderr }
      const record = hostRecord(home)
      if (record?.pid === child.pid && record !== undefined) {
        this.#client = makeClient(connectUnixHttp(record.socket))
        return { kind: 'serving' }
      }
      await sleep(10)
    }
    throw new Error(`the host did not start: ${this.#stderr}`)
  }

  /** Ends the host, if it has not ended itself; settles when its process is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child && this.alive) {
      const ended = once(child, 'close')
      child.kill(signal)
      await within(STOP_BOUND_MS, 'Ending the host', ended)
    }
    await this.#disconnect()
    this.#child = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.connection[Symbol.asyncDispose]()
  }
}

function hostRecord(home: string): { pid: number; socket: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(home, 'host.json'), 'utf8'))
  } catch {
    return undefined
  }
}
