/**
 * Troupe as its user has it: the real program in processes of its own, on a data directory and a home of its own.
 * Owns the processes that it starts; disposing ends them and removes every file.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep, within } from '../../core/base/waiting.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { TaskStatus } from '../../core/contract/statuses.ts'
import { connectUnixWebSocket } from '../../core/rpc/client-node/unix.ts'
import { makeClient, type Client } from '../../core/rpc/client/index.ts'
import { openGitLab, type GitLab, type TestRepository } from './repositories.ts'

const MAIN = fileURLToPath(new URL('../../hosts/cli/main.ts', import.meta.url))
const START_BOUND_MS = 60_000
const TASK_BOUND_MS = 120_000

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Troupe extends AsyncDisposable {
  readonly lab: GitLab
  readonly home: string
  /** The whole environment of its programs. */
  readonly env: Record<string, string>
  /** Starts `troupe up` and connects to it. */
  start(): Promise<Client>
  /** Ends the host as a person would (SIGTERM), or at once (SIGKILL), and waits until it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  readonly client: Client
  /** Runs `troupe ...` to its end. */
  run(args: readonly string[], options?: { cwd?: string; input?: string }): Promise<CommandResult>
  spawn(args: readonly string[], options?: { cwd?: string }): ChildProcess
  configure(toml: string): void
  addTask(
    repository: TestRepository,
    task: { prompt: string; agent: string; permissionMode?: 'full' | 'ask' },
  ): Promise<UnitTask>
  /** Settles when the task is in one of these statuses. */
  until(taskId: string, holds: TaskStatus | ((task: UnitTask) => boolean)): Promise<UnitTask>
}

async function waitForHost(child: ChildProcess, hostFile: string): Promise<string> {
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  for (let waited = 0; waited < START_BOUND_MS; waited += 50) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the host ended: ${errors}`)
    try {
      const host = JSON.parse(readFileSync(hostFile, 'utf8')) as { pid: number; socket: string }
      if (host.pid === child.pid) return host.socket
    } catch {
      // Not written yet.
    }
    await sleep(50)
  }
  throw new Error(`the host did not start: ${errors}`)
}

async function collect(child: ChildProcess): Promise<CommandResult> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await within(TASK_BOUND_MS, 'troupe', once(child, 'close'))) as [number | null]
  return { code, stdout, stderr }
}

/** @param options.program The source of the command line, or what was compiled from it. Default: the source. */
export async function openTroupe({ program = MAIN }: { readonly program?: string } = {}): Promise<Troupe> {
  const lab = await openGitLab()
  const home = join(lab.folder, 'troupe')
  mkdirSync(home, { mode: 0o700 })
  const env: Record<string, string> = { ...lab.env, TROUPE_HOME: home }
  const children = new Set<ChildProcess>()
  let host: ChildProcess | undefined
  let client: Client | undefined

  const launch: Troupe['spawn'] = (args, { cwd = lab.folder } = {}) => {
    const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    children.add(child)
    child.once('close', () => children.delete(child))
    return child
  }

  const connected = (): Client => {
    if (!client) throw new Error('the host is not started')
    return client
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await client?.connection[Symbol.asyncDispose]()
    client = undefined
    if (!host || host.exitCode !== null || host.signalCode !== null) return
    const ended = once(host, 'close')
    host.kill(signal)
    await within(START_BOUND_MS, 'Ending the host', ended)
  }

  return {
    lab,
    home,
    env,
    stop,
    spawn: launch,
    get client() {
      return connected()
    },
    async start() {
      host = launch(['up', '--port', '0'])
      const socket = await waitForHost(host, join(home, 'host.json'))
      client = makeClient(await connectUnixWebSocket(socket))
      return client
    },
    run(args, options = {}) {
      const child = launch(args, options)
      child.stdin?.end(options.input ?? '')
      return collect(child)
    },
    configure: (toml) => writeFileSync(join(home, 'config.toml'), toml),
    async addTask(repository, task) {
      const added = await connected().call('addRepository', { path: repository.path })
      const made = await connected().call('createUnitTask', { repositoryId: added.repository.id, start: true, ...task })
      return made.task
    },
    async until(taskId, holds) {
      const found = typeof holds === 'string' ? (task: UnitTask) => task.status === holds : holds
      let task: UnitTask | undefined
      for (let waited = 0; waited < TASK_BOUND_MS; waited += 50) {
        task = (await connected().call('getUnitTask', { id: taskId })).task
        if (found(task)) return task
        await sleep(50)
      }
      throw new Error(`the task is still ${JSON.stringify(task)}`)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      for (const child of children) child.kill('SIGKILL')
      await lab[Symbol.asyncDispose]()
    },
  }
}
