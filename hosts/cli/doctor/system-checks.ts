/** What can be looked at without an engine: programs, folders, the port. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { makeGit, type Git } from '../../../core/workspace/git.ts'
import { loadConfig } from '../../config.ts'
import type { DataDirectory, Environment } from '../../data-directory.ts'
import { findRunningHost } from '../../running-host.ts'
import { type Check, bad, ok, warn } from './check.ts'

const NODE_MAJOR = 24
/** The first with `git merge-tree --write-tree`, which previews a merge. */
const GIT_VERSION = [2, 38] as const

export function checkNode(): Check[] {
  const { node } = process.versions
  return [
    Number.parseInt(node, 10) >= NODE_MAJOR
      ? ok('node', `${node} (${process.execPath})`)
      : bad('node', node, `Troupe needs Node ${NODE_MAJOR} or newer.`),
  ]
}

export async function checkGit(env: Environment, cwd: string): Promise<Check[]> {
  const git = makeGit(env)
  const { text } = await git(['--version'], { cwd })
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text)?.slice(1) ?? []).map(Number)
  const recent = major > GIT_VERSION[0] || (major === GIT_VERSION[0] && minor >= GIT_VERSION[1])
  const version = text.replace(/^git version /, '')
  return [
    recent ? ok('git', version) : bad('git', version, `Troupe needs git ${GIT_VERSION.join('.')} or newer.`),
    await checkIdentity(git, cwd),
  ]
}

async function checkIdentity(git: Git, cwd: string): Promise<Check> {
  const read = async (name: string) => (await git(['config', '--get', name], { cwd, accept: [1, 128] })).text
  const [name, email] = [await read('user.name'), await read('user.email')]
  if (name && email) return ok('git identity', `${name} <${email}>`)
  return warn(
    'git identity',
    'not set',
    'Work cannot be merged without it: git config --global user.name "..." and user.email "..."',
  )
}

export function checkConfig(dataDirectory: DataDirectory, env: Environment, repositoryPath: string): Check[] {
  const { file, warnings } = loadConfig({ dataDirectory, env, repositoryPath })
  return [
    ok('configuration', existsSync(file) ? file : `${file}: none, so the defaults hold`),
    ...warnings.map((text) => warn('configuration', text)),
  ]
}

/** Also says whether the port is free, when no host has it. */
export async function checkHost(dataDirectory: DataDirectory, port: number): Promise<Check[]> {
  const state = await findRunningHost(dataDirectory)
  if (state.kind === 'running')
    return [ok('host', `running: pid ${state.host.pid}, ${state.host.url ?? state.host.socket}`)]
  if (state.kind === 'unreachable') {
    const who = state.host ? `pid ${state.host.pid}, started ${state.host.startedAt}` : 'it is starting or ending'
    return [
      bad(
        'host',
        `holds the data directory but does not answer (${who})`,
        'Wait a moment; if it stays so, end that process.',
      ),
    ]
  }
  const free = await isFree(port)
  return [
    ok('host', 'none runs; commands do their work themselves'),
    free
      ? ok('port', `${port} is free`)
      : warn('port', `${port} is taken`, 'troupe up takes another one, or name one: troupe up --port <number>'),
  ]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host: '127.0.0.1', port })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

export const checkSandboxes = (): Check[] => [
  ok('sandbox process', 'available; it does not isolate: agents can do what you can do'),
  warn('sandbox docker', 'not in this version'),
  warn('sandbox podman', 'not in this version'),
]
