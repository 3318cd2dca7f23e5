/** A sandbox in a folder of its own, and what is left of it afterwards. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeProcessSandbox, type ProcessSandbox } from '../../core/sandbox/process-sandbox.ts'
import { procTable } from '../../core/sandbox/process-table.ts'
import type { ProcessLimits } from '../../core/sandbox/running-process.ts'
import type { ProcessExit, SandboxProcess, SpawnRequest } from '../../core/sandbox/types.ts'

export const PATH = '/usr/local/bin:/usr/bin:/bin'

export interface Bench extends AsyncDisposable {
  readonly root: string
  readonly cwd: string
  readonly sandbox: ProcessSandbox
  /** A request for `program` in a new folder; `change` overrides parts of it. */
  request(program: string, args?: readonly string[], change?: Partial<SpawnRequest>): SpawnRequest
  /** The same for a shell script, which gets `args` as $1, $2... */
  script(text: string, change?: Partial<SpawnRequest> & { args?: readonly string[] }): SpawnRequest
  /** Writes an executable file. */
  file(name: string, content: string, mode?: number): Promise<string>
}

export async function openBench(limits: Partial<ProcessLimits> = {}): Promise<Bench> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'sandbox-test-')))
  const [root, cwd] = [join(base, 'run'), join(base, 'work')]
  for (const folder of [root, cwd]) await mkdir(folder)
  const sandbox = makeProcessSandbox({ clock: systemClock, logger: silentLogger, limits })
  let count = 0
  const request: Bench['request'] = (program, args = [], change = {}) => {
    const folder = join(root, 'session', String(count++))
    return { folder, program, args, env: { PATH, HOME: cwd }, cwd, stdin: 'none', ...change }
  }
  return {
    root,
    cwd,
    sandbox,
    request,
    script: (text, { args = [], ...change } = {}) => request('/bin/sh', ['-c', text, 'sh', ...args], change),
    async file(name, content, mode = 0o755) {
      const path = join(cwd, name)
      await writeFile(path, content, { mode })
      return path
    },
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]()
      await rm(base, { recursive: true, force: true })
    },
  }
}

/** Live processes that were started for the folder `root` or one below it. */
export async function findLeft(root: string): Promise<number[]> {
  const table = await procTable.scan()
  return table.filter(({ marker, dead }) => !dead && `${marker}/`.startsWith(`${root}/`)).map(({ pid }) => pid)
}

export interface Result {
  readonly stdout: string
  readonly stderr: string
  readonly exit: ProcessExit
}

const toText = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString()

/** Reads the whole output and waits for the end. */
export async function finish(running: SandboxProcess): Promise<Result> {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  for await (const { stream, bytes } of running.output()) chunks[stream].push(bytes)
  return { stdout: toText(chunks.stdout), stderr: toText(chunks.stderr), exit: await running.exited }
}

/** Reads stdout until it contains `text`, and answers all of it so far. */
export async function readUntil(running: SandboxProcess, text: string): Promise<string> {
  let seen = ''
  for await (const { stream, bytes } of running.output()) {
    if (stream === 'stdout') seen += Buffer.from(bytes).toString()
    if (seen.includes(text)) return seen
  }
  throw new Error(`The output ended without ${text}: ${seen}`)
}

/** Looks again until `look` answers something; bounded by the timeout of the test. */
export async function waitFor<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** True while a process has this id; zombies of other parents count as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await procTable.scan()).some((entry) => entry.pid === pid && !entry.dead)
}
