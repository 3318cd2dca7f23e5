/** What a campaign runs in: a repository, a data directory with the ledger agent, and a host that crashes. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GitLab, openGitLab, type TestRepository } from '../helpers/repositories.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { CrashingHost } from './crashing-host.ts'

/** What the agent gets as its secret; it must not be found in the database or in a log. */
export const SECRET = 'fake-ledger-token-4711'

export interface World extends AsyncDisposable {
  readonly lab: GitLab
  readonly home: string
  readonly host: CrashingHost
  readonly repository: TestRepository
  readonly env: Record<string, string>
  /** What the agent itself wrote down of a session: what it said and heard, in order. */
  ledger(sessionId: string): string[]
  /** Adds to config.toml. */
  configure(toml: string): void
  /** Command lines of the agent's processes that run. */
  agents(): string[]
}

export interface WorldOptions {
  /** Goes before the program of the host. */
  readonly wrapper?: readonly string[]
  /** Default: a folder of the lab. */
  readonly home?: string
  readonly env?: Readonly<Record<string, string>>
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const lab = await openGitLab()
  const home = options.home ?? join(lab.folder, 'troupe')
  const ledgers = join(lab.folder, 'ledgers')
  for (const folder of [home, ledgers, join(home, 'plugins')]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  symlinkSync(join(repositoryRoot, 'fixtures/plugins/ledger-agent'), join(home, 'plugins/ledger-agent'))
  const config = join(home, 'config.toml')
  writeFileSync(config, `[agents.ledger]\nenv = { LEDGER_HOME = ${JSON.stringify(ledgers)} }\n`)
  const env = {
    ...lab.env,
    TROUPE_HOME: home,
    LEDGER_TOKEN: SECRET,
    // Hosts start a third faster with what an earlier one has compiled.
    NODE_COMPILE_CACHE: join(lab.folder, 'compiled'),
    ...options.env,
  }
  const host = new CrashingHost({ home, cwd: lab.folder, env, ...(options.wrapper && { wrapper: options.wrapper }) })
  // Agents outlive their host, so also one that is broken off must end them.
  const endAgents = () => {
    for (const line of processesBelow(home)) endProcess(Number(line.split(' ')[0]))
  }
  process.once('exit', endAgents)
  return {
    lab,
    home,
    host,
    env,
    repository: await lab.repository(),
    ledger: (sessionId) => readLines(join(ledgers, `${sessionId}.ledger`)),
    configure: (toml) => writeFileSync(config, `${readFileSync(config, 'utf8')}\n${toml}\n`),
    agents: () => processesBelow(home),
    async [Symbol.asyncDispose]() {
      process.off('exit', endAgents)
      await host[Symbol.asyncDispose]()
      endAgents()
      await lab[Symbol.asyncDispose]()
    },
  }
}

/** Process id and command line of everything that a host with this data directory has started for a session. */
function processesBelow(home: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
        if (!variables.some((variable) => variable.startsWith(`TROUPE_PROCESS=${home}/`))) return []
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`]
      } catch {
        return [] // It has ended meanwhile.
      }
    })
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Files of the data directory that may never hold a secret. */
export const keptFiles = (home: string): string[] => [
  ...readdirSync(home)
    .filter((name) => name.startsWith('troupe.db'))
    .map((name) => join(home, name)),
  ...readdirSync(join(home, 'logs')).map((name) => join(home, 'logs', name)),
]
