/**
 * Pushes the branch of a task, so that others can look at it.
 *
 * P1  Only what the branch contains, or what we pushed there before, is ever replaced on the remote: somebody else's
 *     commits are not. The remote itself compares, so this holds for commits that come at the same moment.
 *     An agent that forges `refs/troupe/pushed` puts no branch at risk but that of its own task.
 * P2  It goes to one address, the one that was checked: an agent can add others to the remote at any time.
 * P3  No program that the repository names is run, on this side or, for a remote in a folder, on that one: such remotes
 *     are refused. Credentials come from the user's own configuration and ssh agent.
 */
import { join } from 'node:path'
import { fail } from '../base/errors.ts'
import { pushedRef, type Context } from './context.ts'
import { ownWords, type GitOutput } from './git.ts'
import { withoutCredentials } from './remote-url.ts'
import { resolveBranch, resolveRef, updateRefs } from './refs.ts'
import { openRepository, type Repository } from './repository.ts'
import { readSettings } from './settings-file.ts'

export interface PushRequest {
  readonly taskId: string
  readonly repositoryPath: string
  readonly branchName: string
  /** Default `origin`. */
  readonly remote?: string
  /** The address that the remote must have, without credentials; default: whatever it has. */
  readonly remoteUrl?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const PUSH_BOUND_MS = 5 * 60_000
const URL_OVER_NETWORK = /^(?:https?|ssh|git\+ssh):\/\/[^-]/
/** `user@host:path`; two colons would start a helper program. */
const SHORT_FORM_OF_SSH = /^(?:\w[\w.-]*@)?[A-Za-z0-9][\w.-]+:(?!:|\/\/)[^-]/

/**
 * Gives the commit that the branch has on the remote now.
 * @throws TroupeError UNSUPPORTED when there is no such remote or it is a folder, CONFLICT when the remote has commits
 * that the branch has not or another address, REPO_BRANCH_MISSING, GIT_FAILED with git's words, TIMEOUT, ABORTED
 */
export async function pushBranch(context: Context, request: PushRequest): Promise<{ commit: string }> {
  const { taskId, branchName, signal } = request
  const repository = await openRepository(context, request.repositoryPath)
  const url = await addressOf(context, repository, request)
  return context.locks.run(`push ${repository.commonDir}`, async () => {
    const commit = await resolveBranch(repository, branchName)
    const push: Push = { url, commit, ref: `refs/heads/${branchName}`, signal }
    let outcome = await tryPush(repository, push)
    const before = outcome.rejected ? await resolveRef(repository, pushedRef(taskId)) : undefined
    if (before !== undefined) outcome = await tryPush(repository, { ...push, replaces: before })
    if (outcome.rejected) behind(request, url)
    await updateRefs(repository, `push of ${taskId}`, [`update ${pushedRef(taskId)} ${commit}`])
    return { commit }
  })
}

async function addressOf(context: Context, repository: Repository, request: PushRequest): Promise<string> {
  const { remote = 'origin', remoteUrl, branchName } = request
  const settings = await readSettings(context, join(repository.commonDir, 'config'))
  const url = settings.find(([key]) => key === `remote.${remote}.url`)?.[1]
  if (url === undefined) {
    return fail('UNSUPPORTED', `${repository.root} has no remote ${remote}. Add it: git remote add ${remote} <address>`)
  }
  if (!URL_OVER_NETWORK.test(url) && !SHORT_FORM_OF_SSH.test(url)) {
    fail(
      'UNSUPPORTED',
      `The remote ${remote} of ${repository.root} is not at the other end of https or ssh. ` +
        `Push the branch by hand: git push ${remote} ${branchName}`,
    )
  }
  if (remoteUrl !== undefined && withoutCredentials(url) !== remoteUrl) {
    fail('CONFLICT', `The remote ${remote} of ${repository.root} is not ${remoteUrl} any more. Nothing was pushed.`)
  }
  return url // P2
}

interface Push {
  readonly url: string
  readonly commit: string
  readonly ref: string
  /** A commit of the remote that may go; without it the remote only takes what contains all that it has. */
  readonly replaces?: string
  readonly signal: AbortSignal | undefined
}

/** @throws TroupeError GIT_FAILED, TIMEOUT, ABORTED */
async function tryPush(repository: Repository, push: Push): Promise<{ readonly rejected: boolean }> {
  const { url, commit, ref, replaces, signal } = push
  const lease = replaces === undefined ? [] : [`--force-with-lease=${ref}:${replaces}`] // P1
  const flags = ['--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', '--no-recurse-submodules']
  const args = ['push', ...flags, ...lease, '--end-of-options', url, `${commit}:${ref}`]
  const output = await repository.git(args, { accept: [1, 128], timeoutMs: PUSH_BOUND_MS, signal })
  if (output.code === 0) return { rejected: false }
  // `[remote rejected]` is a rule of the server, not commits that we have not.
  if (/^!\t.*\t\[rejected\] \((?:non-fast-forward|fetch first|stale info|needs force)\)/m.test(output.text)) {
    return { rejected: true }
  }
  return failed(repository, url, output)
}

function failed({ root }: Repository, url: string, { text, stderr }: GitOutput): never {
  const refusal = /^!\t.*\t(\[.*)$/m.exec(text)?.[1]
  const words = [refusal, stderr].filter((part) => part !== undefined && part !== '').join('\n')
  const shown = ownWords(words.replaceAll(url, withoutCredentials(url)).replace(/\/\/[^/@\s]+@/g, '//'))
  return fail(
    'GIT_FAILED',
    `git push failed: ${shown}\nSee that "git push" works for you in ${root}, then try again.`,
    {
      command: 'git push',
      words: shown,
    },
  )
}

function behind({ branchName }: PushRequest, url: string): never {
  fail(
    'CONFLICT',
    `${branchName} has commits at ${withoutCredentials(url)} that the task does not have, so it was not pushed. ` +
      `Fetch them and merge them into ${branchName}, then try again.`,
  )
}
