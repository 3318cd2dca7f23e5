/** What plugins may look at on this machine to find their agents. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { DetectIo } from './contract/io.ts'
import { runProgram } from './run-program.ts'

/** What the host does for `DetectIo`; the settings come from the configuration. */
export type DetectHost = Omit<DetectIo, 'settings'>

export interface DetectOptions {
  /** The whole environment of the programs that are run; PATH and HOME are looked up in it. */
  readonly env: Readonly<Record<string, string>>
  readonly hasSecret: (name: string) => Promise<boolean>
  readonly runMs?: number
}

const RUN_MS = 10_000

export function makeDetectHost({ env, hasSecret, runMs = RUN_MS }: DetectOptions): DetectHost {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '/'
  return {
    find: (program) => findProgram(program, env['PATH'] ?? '', home),
    async run(program, args) {
      const { code, stdout, stderr } = await runProgram({ program, args, env, cwd: home, ms: runMs })
      return { code, stdout, stderr }
    },
    hasSecret,
    fileExists: async (path) => (await stat(expandHome(path, home)).catch(() => undefined)) !== undefined,
  }
}

const expandHome = (path: string, home: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path)

async function findProgram(program: string, path: string, home: string): Promise<string | undefined> {
  const named = expandHome(program, home)
  if (named.includes('/')) return (await canRun(named)) ? resolve(named) : undefined
  for (const folder of path.split(delimiter)) {
    // An empty or relative entry means the current folder, which on a host is anybody's.
    if (isAbsolute(folder) && (await canRun(join(folder, program)))) return join(folder, program)
  }
  return undefined
}

async function canRun(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts?.isFile()) return false
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
