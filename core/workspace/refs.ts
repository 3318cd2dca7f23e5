/**
 * Refs of a repository, by their full names.
 *
 * Reading needs no process where a ref lies in a plain file or in `packed-refs`; everything else (reftable, a link, what
 * cannot be read) is git's to answer. Not `rev-parse`: that takes `main~1` and `x-g1a2b3c` for a commit, and
 * `refs/heads/x` for a tag of this name.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { fail, TroupeError } from '../base/errors.ts'
import { isRefName } from './branch-name.ts'
import { entryAt, isGitFile, readGitFile } from './git-file.ts'
import type { Repository } from './repository.ts'

/** A list of more is left to git, which does not read all of it. */
const MAX_PACKED_BYTES = 1024 * 1024

/** The number of a commit, whole. */
export const isCommit = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

/** The commit that a ref names, or undefined when there is no such ref. @throws TroupeError GIT_FAILED, TIMEOUT */
export async function resolveRef(repository: Repository, ref: string): Promise<string | undefined> {
  if (!isRefName(ref)) return undefined
  const found = readInProcess(repository.commonDir, ref)
  if (found.kind === 'commit') return found.commit
  return found.kind === 'missing' ? undefined : askGit(repository, ref)
}

type Found =
  { readonly kind: 'commit'; readonly commit: string } | { readonly kind: 'missing' } | { readonly kind: 'unclear' }

const UNCLEAR: Found = { kind: 'unclear' }

/** The file first: git writes the list before it removes a file whose ref it has put there. */
function readInProcess(commonDir: string, ref: string): Found {
  const text = readPlain(join(commonDir, ref))
  if (text === undefined) return UNCLEAR
  const commit = text.trimEnd()
  if (text !== '') return isCommit(commit) ? { kind: 'commit', commit } : UNCLEAR
  if (entryAt(join(commonDir, 'reftable'))) return UNCLEAR
  const packed = readPlain(join(commonDir, 'packed-refs'), MAX_PACKED_BYTES)
  if (packed === undefined) return UNCLEAR
  return inList(packed, ref)
}

/**
 * Empty when there is no file of this name; undefined when there is something that cannot be read as one.
 * @throws TroupeError GIT_FAILED for a pipe, at which git would wait.
 */
function readPlain(path: string, maxBytes?: number): string | undefined {
  const text = readGitFile(path, maxBytes)
  if (text !== undefined) return text === '' ? undefined : text
  if (holdsNoFile(path)) return ''
  isGitFile(path)
  return undefined
}

function holdsNoFile(path: string): boolean {
  try {
    // A folder is no ref, but there are others below it.
    return lstatSync(path).isDirectory()
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  }
}

function inList(packed: string, ref: string): Found {
  const at = `\n${packed}`.indexOf(` ${ref}\n`)
  if (at < 0) return { kind: 'missing' }
  const commit = packed.slice(packed.lastIndexOf('\n', at - 2) + 1, at - 1)
  return isCommit(commit) ? { kind: 'commit', commit } : UNCLEAR
}

async function askGit({ git }: Repository, ref: string): Promise<string | undefined> {
  try {
    return (await git(['show-ref', '--verify', '--hash', ref])).text
  } catch (error) {
    if (error instanceof TroupeError && error.message.endsWith('- not a valid ref')) return undefined
    throw error
  }
}

/** @throws TroupeError REPO_BRANCH_MISSING, with some branches that exist. */
export async function resolveBranch(repository: Repository, branch: string): Promise<string> {
  const commit = await resolveRef(repository, `refs/heads/${branch}`)
  return commit ?? branchMissing(repository, branch)
}

async function branchMissing(repository: Repository, branch: string): Promise<never> {
  const { text } = await repository.git(['for-each-ref', '--count=10', '--format=%(refname:lstrip=2)', 'refs/heads'])
  const branches = text.split('\n').filter((name) => name !== '')
  const hint = branches.length > 0 ? `Its branches: ${branches.join(', ')}.` : 'It has no branch with a commit.'
  fail('REPO_BRANCH_MISSING', `The branch ${branch} does not exist in ${repository.root}. ${hint}`, { branches })
}

/** Moves refs together or not at all; `lines` in the form of `git update-ref --stdin`. */
export async function updateRefs(repository: Repository, reason: string, lines: readonly string[]): Promise<void> {
  await repository.git(['update-ref', '-m', `troupe: ${reason}`, '--stdin'], {
    input: ['start', ...lines, 'prepare', 'commit', ''].join('\n'),
  })
}
