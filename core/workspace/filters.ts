/**
 * Filters that only the repository's own configuration defines. We never run them (repository-view.ts), so files that
 * need one are in their stored form in a task's worktree, and must not be committed by us.
 */
import { join } from 'node:path'
import type { Context } from './context.ts'
import { readSettings } from './settings-file.ts'
import type { Place } from './work.ts'

/** Those of `files` whose `filter` attribute names a driver that is defined in the repository and not by the user. */
export async function filteredFiles(context: Context, place: Place, files: readonly string[]): Promise<string[]> {
  const local = await driversOf(context, place)
  if (local.size === 0 || files.length === 0) return []
  const { text } = await place.worktree.git(['check-attr', '-z', '--stdin', 'filter'], {
    input: files.map((file) => `${file}\0`).join(''),
  })
  const fields = text.split('\0')
  return files.filter((_, at) => local.has(fields[at * 3 + 2] ?? ''))
}

async function driversOf(context: Context, { repository, worktree }: Place): Promise<Set<string>> {
  const settings = await readSettings(context, join(repository.commonDir, 'config'))
  const local = drivers(settings.map(([key]) => key))
  if (local.size === 0) return local
  // Through the view, this is what the user's own configuration defines.
  const { text } = await worktree.git(['config', '--null', '--name-only', '--list'])
  return local.difference(drivers(text.split('\0')))
}

const drivers = (keys: readonly string[]): Set<string> =>
  new Set(keys.flatMap((key) => /^filter\.(.+)\.(?:clean|process)$/.exec(key)?.[1] ?? []))
