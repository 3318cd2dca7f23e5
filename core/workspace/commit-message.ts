/** Commits that Troupe makes: their words, and whose name they carry. */
import { fail, TroupeError } from '../base/errors.ts'
import type { BoundGit } from './repository.ts'

export interface Trailers {
  readonly taskId: string
  readonly agent: string
}

/** The message with trailers that name the task and the agent. */
export function withTrailers(message: string, { taskId, agent }: Trailers): string {
  const text = message
    .replace(/\r\n?/g, '\n')
    // NUL would end the message for git; other control characters have no place in a log.
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trim()
  return `${text === '' ? 'Work of a task' : text}\n\nTroupe-Task: ${oneLine(taskId)}\nTroupe-Agent: ${oneLine(agent)}\n`
}

const oneLine = (value: string): string => value.replace(/\p{Cc}+/gu, ' ').trim()

export interface NewCommit {
  readonly tree: string
  readonly parents: readonly string[]
  readonly message: string
  readonly env?: Readonly<Record<string, string>>
}

/** Makes the object; no ref moves. The author is the user, by their own configuration. */
export async function makeCommit(git: BoundGit, { tree, parents, message, env = {} }: NewCommit): Promise<string> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-']
  return (await git(['-c', 'user.useConfigOnly=true', ...args], { input: message, env })).text
}

/** @throws TroupeError GIT_IDENTITY_MISSING */
export async function assertIdentity(git: BoundGit): Promise<void> {
  try {
    await git(['-c', 'user.useConfigOnly=true', 'var', 'GIT_COMMITTER_IDENT'])
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== 'GIT_FAILED') throw error
    fail(
      'GIT_IDENTITY_MISSING',
      'git does not know who commits. Run: git config --global user.name "..." and git config --global user.email "..."',
      error.details,
    )
  }
}

/** For commits that only keep something safe, so that they never fail for want of a name. */
export const KEEPER: Readonly<Record<string, string>> = {
  GIT_AUTHOR_NAME: 'Troupe',
  GIT_AUTHOR_EMAIL: 'troupe@localhost',
  GIT_COMMITTER_NAME: 'Troupe',
  GIT_COMMITTER_EMAIL: 'troupe@localhost',
}
