/** Facts of the package that this program is. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The nearest folder above that has a package.json of Troupe: in a clone one up, in the published package two. */
function findRoot(folder: string): string {
  const file = join(folder, 'package.json')
  if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'troupe') return folder
  return findRoot(dirname(folder))
}

export const packageRoot: string = findRoot(import.meta.dirname)
export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version
