/**
 * Where a plugin is checked: a home, a repository, programs that misbehave, a sandbox, a plugin host.
 *
 * Owns a temporary folder and all that runs in it; disposing removes both.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../base/clock.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import type { PluginIsolation } from '../contract/records.ts'
import { type PluginHost, type PluginHostOptions, openPluginHost } from '../plugin/plugin-host.ts'
import { FolderWatches } from '../sandbox/folder-watches.ts'
import { type ProcessSandbox, makeProcessSandbox } from '../sandbox/process-sandbox.ts'
import { type ProgramName, writePrograms } from './programs.ts'

export interface LabOptions {
  /** The folder of the plugin. */
  readonly plugin: string
  readonly isolation?: PluginIsolation | undefined
  readonly longestLine?: number | undefined
}

export interface Lab extends AsyncDisposable {
  readonly folder: string
  readonly programs: Readonly<Record<ProgramName, string>>
  readonly sandbox: ProcessSandbox
  readonly watches: FolderWatches
  readonly host: PluginHost
  /** Of whatever runs here: a home of its own, the programs of this machine, this Node first. */
  readonly env: Readonly<Record<string, string>>
  /** Another host beside the first, as after a crash. */
  openHost(): Promise<PluginHost>
  /** A folder for one session, with a repository in `work`. */
  openSessionFolder(): Promise<string>
}

export async function openLab({ plugin, isolation = 'thread', longestLine = 100_000_000 }: LabOptions): Promise<Lab> {
  await using opening = new AsyncDisposableStack()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'troupe-check-')))
  opening.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const env = environment(folder)
  await Promise.all(['home', 'tmp', 'none'].map((name) => mkdir(join(folder, name))))
  const sandbox = opening.use(makeProcessSandbox({ clock: systemClock, logger }))
  const openHost = () => openPluginHost({ ...hostOptions(folder, plugin, env), isolation: () => isolation })
  const [programs, host] = await Promise.all([writePrograms(join(folder, 'programs'), longestLine), openHost()])
  opening.use(host)
  await makeRepository(join(folder, 'repository'), env)
  let sessions = 0
  const owned = opening.move()
  return {
    folder,
    programs,
    sandbox,
    watches: new FolderWatches(systemClock),
    host,
    env,
    openHost,
    openSessionFolder: async () => {
      const path = join(folder, 'sessions', String(sessions++))
      await cp(join(folder, 'repository'), join(path, 'work'), { recursive: true })
      return path
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What goes wrong in a check is in its verdicts. */
export const logger: Logger = silentLogger

const environment = (folder: string): Record<string, string> => ({
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}`,
  HOME: join(folder, 'home'),
  TMPDIR: join(folder, 'tmp'),
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  NO_COLOR: '1',
  GIT_CONFIG_NOSYSTEM: '1',
})

const hostOptions = (folder: string, plugin: string, env: Lab['env']): PluginHostOptions => ({
  bundled: join(folder, 'none'),
  dataDir: join(folder, 'data'),
  paths: [plugin],
  env,
  clock: systemClock,
  logger,
})

const IDENTITY = ['-c', 'user.name=Troupe', '-c', 'user.email=check@example.invalid']

/** Agents work in a repository with a commit. */
async function makeRepository(path: string, env: Lab['env']): Promise<void> {
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: path, env, timeout: 30_000 })
  await mkdir(path)
  await writeFile(join(path, 'README.md'), 'A project.\n')
  await git('init', '--quiet', '--template=', '--initial-branch=main')
  await git('add', '.')
  await git(...IDENTITY, 'commit', '--quiet', '--message=First')
}
