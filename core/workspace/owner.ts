/**
 * Whose repository it is. git refuses to work in one that belongs to another user, because its configuration can name
 * programs. We set GIT_DIR, which switches that check off, and the agent's git finds a worktree that is ours; so the
 * same rule is kept here.
 */
import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'

/** The number of the user, another than us, whom the path belongs to; undefined where there are no such numbers. */
export function otherOwner(path: string): number | undefined {
  const us = process.geteuid?.()
  const { uid } = lstatSync(path)
  return us === undefined || uid === us ? undefined : uid
}

/**
 * `paths` must be ours, unless the user lists one of `names` (what the repository is known by) as `safe.directory`.
 * @throws TroupeError REPO_UNWRITABLE
 */
export async function assertTrusted(
  context: Context,
  paths: readonly string[],
  names: readonly [string, ...string[]],
): Promise<void> {
  for (const path of paths) {
    const owner = otherOwner(path)
    if (owner === undefined) continue
    if (await isListed(context, names)) return
    fail(
      'REPO_UNWRITABLE',
      `${path} belongs to the user with id ${owner}, whose configuration could run programs as you. ` +
        `If you trust its owner, run: git config --global --add safe.directory ${quoted(names[0])}`,
    )
  }
}

/** For a shell. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

async function isListed(context: Context, names: readonly string[]): Promise<boolean> {
  // Outside of any repository, so that only the user's and the system's configuration count.
  const { text } = await context.git(['config', '--null', '--type=path', '--get-all', 'safe.directory'], {
    cwd: context.dataDir,
    env: { GIT_CEILING_DIRECTORIES: dirname(context.dataDir) },
    accept: [1],
  })
  const entries = text.split('\0').slice(0, -1)
  // An empty entry takes back all before it.
  const listed = entries.slice(entries.lastIndexOf('') + 1)
  return listed.some((entry) => entry === '*' || names.some((name) => matches(entry, name)))
}

const matches = (entry: string, name: string): boolean =>
  entry === name || (entry.endsWith('/*') && name.startsWith(entry.slice(0, -1)))
