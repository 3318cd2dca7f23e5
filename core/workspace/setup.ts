/** The [setup] step: what a fresh worktree needs before an agent can work in it. */
import { constants } from 'node:fs'
import { copyFile, lstat, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, TroupeError } from '../base/errors.ts'
import type { Context } from './context.ts'
import { ownWords } from './git.ts'
import { isRepositoryPath, realInside } from './inside.ts'
import type { Repository } from './repository.ts'
import { runProcess } from './run-process.ts'
import { openWorktree } from './worktree.ts'

export interface Setup {
  /** Untracked files or folders of the repository to carry over, relative to its root. */
  readonly copy: readonly string[]
  /** A shell command, run in the worktree. */
  readonly run?: string | undefined
  /** Default 10 minutes. */
  readonly timeoutMs?: number
}

const RUN_TIMEOUT_MS = 10 * 60_000
const RUN_OUTPUT_BYTES = 16 * 1024
const MAX_COPIED_FILES = 10_000

/**
 * Copies what `copy` names and is untracked; gives a sentence for each thing that was left out.
 * Links are never followed, in the source or on the way to the destination.
 */
export async function copyUntracked(
  context: Context,
  repository: Repository,
  { paths, to }: { readonly paths: readonly string[]; readonly to: string },
): Promise<string[]> {
  const notices: string[] = []
  const wanted = paths.flatMap((path) => {
    const plain = path.replace(/^\.\//, '').replace(/\/+$/, '')
    if (isRepositoryPath(plain)) return [{ path, plain }]
    notices.push(`[setup] copy: "${path}" is not a path inside the repository.`)
    return []
  })
  if (wanted.length === 0) return notices
  const source = await openWorktree(context, repository, repository.root)
  const { text } = await source.git(['ls-files', '-z', '--others', '--', ...wanted.map(({ plain }) => plain)])
  const untracked = text.split('\0').filter((file) => file !== '' && !file.endsWith('/'))
  for (const { path, plain } of wanted) {
    const files = untracked.filter((file) => file === plain || file.startsWith(`${plain}/`))
    if (files.length === 0) notices.push(`[setup] copy: "${path}" is missing, or it is tracked and there already.`)
    if (files.length > MAX_COPIED_FILES) notices.push(`[setup] copy: only ${MAX_COPIED_FILES} files of "${path}".`)
    for (const file of files.slice(0, MAX_COPIED_FILES)) {
      if (!(await copyOne(source.path, to, file))) notices.push(`[setup] copy: "${file}" is a link or leads out.`)
    }
  }
  return notices
}

async function copyOne(root: string, to: string, file: string): Promise<boolean> {
  const from = join(root, file)
  if (!(await lstat(from).catch(() => undefined))?.isFile()) return false
  if ((await realInside(root, file)) !== from) return false
  if (!(await makeFolder(to, dirname(file)))) return false
  try {
    await copyFile(from, join(to, file), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  } catch (error) {
    // What is there already came from the branch, or from an earlier try: it wins.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return true
}

/** Part by part, because a link in the branch could lead `mkdir -p` out of the worktree. */
async function makeFolder(root: string, folder: string): Promise<boolean> {
  let path = root
  for (const part of folder.split('/').filter((name) => name !== '.')) {
    path = join(path, part)
    await mkdir(path).catch(() => {})
    if (!(await lstat(path).catch(() => undefined))?.isDirectory()) return false
  }
  return true
}

export interface SetupRun {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** @throws TroupeError WORKTREE_SETUP_FAILED with `details.output`, the end of what it printed; ABORTED */
export async function runSetup(setup: Setup, { cwd, env, signal }: SetupRun): Promise<void> {
  if (setup.run === undefined || setup.run.trim() === '') return
  const timeoutMs = setup.timeoutMs ?? RUN_TIMEOUT_MS
  let tail = Buffer.alloc(0)
  const { end, stderr } = await runProcess({
    program: setup.run,
    args: [],
    shell: true,
    cwd,
    env,
    timeoutMs,
    maxOutputBytes: RUN_OUTPUT_BYTES,
    signal,
    onOutput: (chunk) => {
      tail = Buffer.concat([tail, chunk]).subarray(-RUN_OUTPUT_BYTES)
    },
  })
  if (end.kind === 'exited' && end.code === 0) return
  if (end.kind === 'stopped' && end.why === 'aborted') {
    throw new TroupeError('ABORTED', 'The [setup] step was given up.')
  }
  const output = `${tail.toString('utf8')}${stderr}`
  const reason = describe(end, timeoutMs)
  fail('WORKTREE_SETUP_FAILED', `[setup] run ("${setup.run}") ${reason}: ${lastLines(output)}`, { output, reason })
}

function describe(end: Awaited<ReturnType<typeof runProcess>>['end'], timeoutMs: number): string {
  if (end.kind === 'exited') return `ended with exit code ${end.code}`
  if (end.kind === 'signalled') return `was ended by ${end.signal}`
  if (end.kind === 'stopped') return `did not finish within ${timeoutMs} ms`
  return `could not be started (${end.error.code ?? end.error.message})`
}

const lastLines = (output: string): string => ownWords(output.trimEnd().split('\n').slice(-5).join('\n'))
