/**
 * The real programs of agents, installed once into `.cache/agents` when a test first needs them.
 * A1 Only one process installs an agent at a time; the others wait for it.
 * A2 An installation appears under its final name only when it is whole.
 */
import { access, glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../core/base/waiting.ts'
import type { PinnedAgent } from './agent-versions.ts'
import { AGENT_PACKAGES } from './agent-versions.ts'
import { INSTALL_MS, runInstaller } from './installer.ts'
import { installPython, pythonProgram } from './python-program.ts'
import type { Probe } from './requirement.ts'

const CACHE = fileURLToPath(new URL('../../.cache/agents', import.meta.url))

/**
 * Where the program of each agent is, from the `node_modules` of its installation. The native program is taken, which npm installs
 * in a package for this platform, without the launcher in front of it.
 */
const PROGRAMS = {
  'claude-code': '@anthropic-ai/claude-code-*/claude{,.exe}',
  'gemini-cli': '@google/gemini-cli/bundle/gemini.js',
  amp: '@ampcode/cli-*/amp{,.exe}',
  'codex-cli': '@openai/codex-*/vendor/*/bin/codex{,.exe}',
  opencode: 'opencode-{linux,darwin,windows}-*/bin/opencode{,.exe}',
  'claude-agent-acp': '@agentclientprotocol/claude-agent-acp/dist/index.js',
} as const

type AgentOfNpm = keyof typeof PROGRAMS
/** Aider is installed by pip (see python-program.ts), all others by npm. */
export type RealAgent = AgentOfNpm | 'aider'

/** The absolute path of the agent's program. @throws Error when it cannot be installed, or has none for this platform. */
export async function agentProgram(agent: RealAgent): Promise<string> {
  if (agent === 'aider') return pythonProgram(await installed(agent), agent)
  const modules = join(await installed(agent), 'node_modules')
  for await (const found of glob(PROGRAMS[agent], { cwd: modules })) return join(modules, found)
  throw new Error(`${AGENT_PACKAGES[agent].name} has no program for ${process.platform}-${process.arch}.`)
}

/** For `requires`: why the agent cannot be used here. */
export const agentProbe =
  (agent: RealAgent): Probe =>
  () =>
    agentProgram(agent).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )

export const claudeCode = (): Promise<string> => agentProgram('claude-code')
export const claudeCodeProbe = agentProbe('claude-code')

/** The folder where the package is installed, with its `node_modules` or as a virtual environment. @throws Error when it cannot be. */
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
  if (agent === 'aider') await installPython(unfinished, { name, version, program: agent })
  else await installNode(unfinished, `${name}@${version}`)
  await rename(unfinished, folder) // A2
}

async function installNode(folder: string, wanted: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  await runInstaller('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', wanted])
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
