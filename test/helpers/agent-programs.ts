/**
 * The real programs of agents, installed once into `.cache/agents` when a test first needs them.
 * A1 Only one process installs an agent at a time; the others wait for it.
 * A2 An installation appears under its final name only when it is whole.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../core/base/waiting.ts'
import type { PinnedAgent } from './agent-versions.ts'
import { AGENT_PACKAGES } from './agent-versions.ts'
import type { Probe } from './requirement.ts'

const CACHE = fileURLToPath(new URL('../../.cache/agents', import.meta.url))
const INSTALL_MS = 300_000

/**
 * Where the program of each agent is, from the `node_modules` of its installation. The native program is taken, which npm installs
 * in a package for this platform, without the launcher in front of it.
 */
const PROGRAMS = {
  'claude-code': '@anthropic-ai/claude-code-*/claude{,.exe}',
  'codex-cli': '@openai/codex-*/vendor/*/bin/codex{,.exe}',
  opencode: 'opencode-{linux,darwin,windows}-*/bin/opencode{,.exe}',
  'claude-agent-acp': '@agentclientprotocol/claude-agent-acp/dist/index.js',
} as const

type AgentOfNpm = keyof typeof PROGRAMS

/** The absolute path of the agent's program. @throws Error when it cannot be installed, or has none for this platform. */
export async function agentProgram(agent: AgentOfNpm): Promise<string> {
  const modules = join(await installed(agent), 'node_modules')
  for await (const found of glob(PROGRAMS[agent], { cwd: modules })) return join(modules, found)
  throw new Error(`${AGENT_PACKAGES[agent].name} has no program for ${process.platform}-${process.arch}.`)
}

/** For `requires`: why the agent cannot be used here. */
export const agentProbe =
  (agent: AgentOfNpm): Probe =>
  () =>
    agentProgram(agent).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )

export const claudeCode = (): Promise<string> => agentProgram('claude-code')
export const claudeCodeProbe = agentProbe('claude-code')

/** The folder where the package is installed, with its `node_modules`. @throws Error when it cannot be. */
export async function installed(agent: PinnedAgent): Promise<string> {
  const folder = join(CACHE, `${agent}-${AGENT_PACKAGES[agent].version}`)
  if (await exists(folder)) return folder
  await mkdir(CACHE, { recursive: true })
  await alone(`${folder}.lock`, async () => {
    if (!(await exists(folder))) await install(agent, folder)
  }) // A1
  return folder
}

async function install(agent: PinnedAgent, folder: string): Promise<void> {
  const { name, version } = AGENT_PACKAGES[agent]
  const unfinished = `${folder}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished)
  await writeFile(join(unfinished, 'package.json'), '{"private":true}')
  await npm(['install', '--prefix', unfinished, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`])
  await rename(unfinished, folder) // A2
}

async function npm(args: readonly string[]): Promise<void> {
  const child = spawn('npm', args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_MS })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-1000)
  })
  const [code]: unknown[] = await once(child, 'close')
  if (code !== 0) throw new Error(`npm ${args.at(-1)} ended with ${String(code)}: ${errors.trim()}`)
}

async function alone(path: string, work: () => Promise<void>): Promise<void> {
  await lock(path)
  try {
    await work()
  } finally {
    await rm(path, { force: true })
  }
}

/** The lock is a file with its holder's process number; that of a process which is gone is taken over. */
async function lock(path: string): Promise<void> {
  for (let waited = 0; waited < INSTALL_MS; waited += 200) {
    try {
      return await writeFile(path, String(process.pid), { flag: 'wx' })
    } catch {
      const holder = Number(await readFile(path, 'utf8').catch(() => ''))
      if (holder > 0 && !isAlive(holder)) await rm(path, { force: true })
      await sleep(200)
    }
  }
  throw new Error(`${path} is still held after ${INSTALL_MS} ms; remove it if nothing is being installed.`)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
