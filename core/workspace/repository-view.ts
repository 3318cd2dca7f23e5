/**
 * A view of a repository: the same objects and refs, but a configuration of ours.
 *
 * git runs programs that the configuration of a repository names (filters, merge and diff drivers, hooks, an fsmonitor,
 * ssh commands, and more with each release), and an agent can write there at any time. So git never reads that file
 * while it handles content. It gets `GIT_COMMON_DIR` set to a folder of ours that links to the objects and refs of the
 * repository and holds a configuration with only the settings below, which are data. The user's own configuration
 * (global and system) is trusted and stays in force: a git-lfs set up there works, one set up in the repository does not.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { viewsFolder, type Context } from './context.ts'
import { entryAt, isGitFile, orNothing } from './git-file.ts'
import { readSettings, toConfig, type Setting } from './settings-file.ts'

const LINKED_FOLDERS = ['objects', 'refs', 'logs', 'reftable', 'worktrees', 'lfs']
/** Of `info` no more: `attributes` would hide changes from the reviewer, `grafts` history. */
const LINKED_FILES = ['HEAD', 'packed-refs', 'shallow', 'info/exclude']

/** Settings that name no program. Keys as git prints them, in lower case. */
const KEPT =
  /^(core\.(repositoryformatversion|filemode|symlinks|ignorecase|precomposeunicode|protecthfs|protectntfs|autocrlf|eol|safecrlf|longpaths|trustctime|checkstat|sharedrepository|bigfilethreshold)|extensions\.(?!worktreeconfig$).+|user\.(name|email)|remote\..+\.(url|fetch|promisor|partialclonefilter)|lfs\.url)$/
const KEPT_OF_WORKTREE = /^core\.sparsecheckout(cone)?$/

/** Makes or refreshes the view; gives its folder, for GIT_COMMON_DIR. */
export async function openView(context: Context, commonDir: string): Promise<string> {
  const name = createHash('sha256').update(commonDir).digest('hex').slice(0, 24)
  const view = join(viewsFolder(context), name)
  mkdirSync(view, { recursive: true, mode: 0o700 })
  await makeInfo(join(view, 'info'))
  for (const entry of LINKED_FILES) isGitFile(join(commonDir, entry))
  const links = [...LINKED_FOLDERS, ...LINKED_FILES]
  await Promise.all(links.map((entry) => link(join(commonDir, entry), join(view, entry))))
  await writeIfChanged(join(view, 'config'), toConfig(await keptSettings(context, commonDir)))
  return view
}

/** In the view of an older version it was a link to the whole folder. */
async function makeInfo(path: string): Promise<void> {
  if (entryAt(path)?.isSymbolicLink()) await rm(path, { force: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

async function link(target: string, path: string): Promise<void> {
  if (orNothing(() => readlinkSync(path)) === target) return
  const kind = LINKED_FOLDERS.includes(basename(path)) ? 'junction' : 'file'
  await rm(path, { force: true })
  await symlink(target, path, kind).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

async function keptSettings(context: Context, commonDir: string): Promise<Setting[]> {
  const shared = await readSettings(context, join(commonDir, 'config'))
  return [
    ...shared.filter(([key, value]) => (KEPT.test(key) || KEPT_OF_WORKTREE.test(key)) && isPlain(key, value)),
    ...(await worktreeSettings(context, commonDir, shared)),
  ]
}

/** What a new worktree takes over from the configuration that the main one has for itself; mostly nothing. */
export async function worktreeConfig(context: Context, commonDir: string): Promise<string> {
  const shared = await readSettings(context, join(commonDir, 'config'))
  return toConfig(await worktreeSettings(context, commonDir, shared))
}

async function worktreeSettings(context: Context, commonDir: string, shared: readonly Setting[]): Promise<Setting[]> {
  if (!shared.some(([key, value]) => key === 'extensions.worktreeconfig' && value !== 'false')) return []
  const own = await readSettings(context, join(commonDir, 'config.worktree'))
  return own.filter(([key]) => KEPT_OF_WORKTREE.test(key))
}

/** `transport::address` would start a helper program of that name. */
const isPlain = (key: string, value: string): boolean => !key.endsWith('.url') || !/^[A-Za-z0-9]+::/.test(value)

async function writeIfChanged(path: string, content: string): Promise<void> {
  if (orNothing(() => readFileSync(path, 'utf8')) === content) return
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await writeFile(draft, content, { mode: 0o600 })
  await rename(draft, path)
}
