/** A first look at a repository that somebody wants to use: can it be used, and what is it. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Repository as RepositoryRecord } from '../contract/records.ts'
import type { Context } from './context.ts'
import { locateRepository } from './locate.ts'
import { providerOf, withoutCredentials } from './remote-url.ts'
import { resolveBranch } from './refs.ts'
import { bindRepository, repositoryName, type Repository } from './repository.ts'
import { readSettings } from './settings-file.ts'
import { currentBranch, openWorktree } from './worktree.ts'

export interface InspectedRepository {
  /** Absolute, with no symbolic link in it. */
  readonly root: string
  readonly name: string
  readonly defaultBranch: string
  /** The commit of `defaultBranch`. */
  readonly headCommit: string
  /** Credentials are removed. */
  readonly remoteUrl?: string
  readonly vcsProvider: RepositoryRecord['vcsProvider']
}

/**
 * Looks at the repository around `path`; a path in a linked worktree means its main repository, with the branch of
 * that worktree. `branch` is the base branch; without it, the branch that is checked out.
 * @throws TroupeError REPO_NOT_FOUND, REPO_NOT_GIT, REPO_BARE, REPO_EMPTY, REPO_DETACHED, REPO_BRANCH_MISSING,
 * REPO_UNWRITABLE, GIT_FAILED, GIT_NOT_INSTALLED
 */
export async function inspectRepository(
  context: Context,
  path: string,
  options: { readonly branch?: string | undefined } = {},
): Promise<InspectedRepository> {
  const { root, commonDir, folder } = await locateRepository(context, path)
  const repository = await bindRepository(context, root, commonDir)
  await assertNotEmpty(repository)
  await assertWritable(repository)
  const defaultBranch = options.branch ?? (await checkedOutBranch(context, repository, folder))
  const remoteUrl = await remoteOf(context, repository)
  return {
    root,
    name: repositoryName(root),
    defaultBranch,
    headCommit: await resolveBranch(repository, defaultBranch),
    ...(remoteUrl !== undefined && { remoteUrl }),
    vcsProvider: providerOf(remoteUrl),
  }
}

async function assertNotEmpty(repository: Repository): Promise<void> {
  // Not `rev-list --all`: it fails on the HEAD of a worktree that another task is just being given.
  const { text } = await repository.git(['for-each-ref', '--count=1', '--format=%(refname)'])
  const head =
    text === '' ? await repository.git(['rev-parse', '--verify', '--quiet', 'HEAD'], { accept: [1] }) : undefined
  if (head && head.code !== 0) {
    fail('REPO_EMPTY', `${repository.root} has no commit yet. Make a first one: git commit --allow-empty -m "Begin".`)
  }
}

/** Worktrees and branches are written there; better to hear of it now than when the task starts. */
async function assertWritable({ root, commonDir }: Repository): Promise<void> {
  for (const [entry, optional] of [
    ['.', false],
    ['objects', false],
    ['refs', false],
    ['worktrees', true],
  ] as const) {
    const path = join(commonDir, entry)
    const found = await stat(path).catch(() => undefined)
    if (!found && optional) continue
    const writable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    )
    if (!found?.isDirectory() || !writable) {
      fail(
        'REPO_UNWRITABLE',
        `${root} cannot be used: ${path} is not a folder that can be written. Check its owner and mode.`,
      )
    }
  }
}

async function checkedOutBranch(context: Context, repository: Repository, folder: string): Promise<string> {
  const branch = await currentBranch(await openWorktree(context, repository, folder))
  if (branch === undefined) {
    fail(
      'REPO_DETACHED',
      `${folder} is on no branch (its HEAD is detached). Check out a branch, or name the base branch.`,
    )
  }
  return branch
}

async function remoteOf(context: Context, repository: Repository): Promise<string | undefined> {
  const settings = await readSettings(context, join(repository.commonDir, 'config'))
  const urls = settings.filter(([key]) => /^remote\..+\.url$/.test(key))
  const url = (urls.find(([key]) => key === 'remote.origin.url') ?? urls[0])?.[1]
  return url === undefined ? undefined : withoutCredentials(url)
}
