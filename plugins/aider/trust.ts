/**
 * What a repository could make Aider do before anybody is asked. Aider loads these files of a worktree without a way to be told
 * not to: settings name programs to run and services to send the user's keys to, variables do the same, and its cache is made of
 * pickled objects, which run code when they are read. So a person is asked first, whatever the permission mode.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ask } from 'troupe/plugin'

const LOADED =
  /^(\.env|\.aider\.conf\.yml|\.aider\.model\.settings\.yml|\.aider\.model\.metadata\.json|\.aider\.tags\.cache\.v\d+)$/i
export const isCache = (name: string): boolean => /^\.aider\.tags\.cache\.v\d+$/i.test(name)

export const TRUST = 'Load them'
const REFUSE = 'Stop'

/** Names of the files, or none. Rejects when it cannot be known. */
export async function findLoaded(workDir: string): Promise<string[]> {
  const names = await readdir(workDir)
  return names.filter((name) => LOADED.test(name)).toSorted()
}

export const trustAsk = (names: readonly string[]): Ask => ({
  kind: 'permission',
  question: `The repository has files that Aider loads when it starts. They can run programs and send your keys elsewhere:\n${names.join('\n')}`,
  options: [
    { label: TRUST, description: 'You know what they do' },
    { label: REFUSE, description: 'Aider is not started' },
  ],
})

/** The cache that Aider made in the worktree: not part of anybody's work. Never rejects. */
export async function removeLitter(workDir: string): Promise<void> {
  const names = await readdir(workDir).catch(() => [])
  const caches = names.filter(isCache)
  await Promise.allSettled(caches.map((name) => rm(join(workDir, name), { recursive: true, force: true })))
}
