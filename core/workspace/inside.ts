/** Paths that must stay inside a folder whose content nobody vouches for. */
import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'

/** True for `folder` itself and all below it; both must be real paths. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))
}

/** Relative, with no `..`, no empty part and nothing of git's own: the form of every path in a repository. */
export function isRepositoryPath(path: string): boolean {
  if (path.length > 4096 || path.includes('\0') || isAbsolute(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git')
}

/** The real path of `path` below `folder` (itself real); undefined when it is missing or leads out. */
export async function realInside(folder: string, path: string): Promise<string | undefined> {
  const real = await realpath(join(folder, path)).catch(() => undefined)
  return real !== undefined && isInside(folder, real) ? real : undefined
}
