/** Facts of the package that this program is. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const packageFile = z.object({ name: z.string().optional(), version: z.string().optional() })
const read = (file: string) => packageFile.parse(JSON.parse(readFileSync(file, 'utf8')))

/** The nearest folder above that has a package.json of Troupe: in a clone one up, in the published package two. */
function findRoot(folder: string): string {
  const file = join(folder, 'package.json')
  if (existsSync(file) && read(file).name === 'troupe') return folder
  return findRoot(dirname(folder))
}

export const packageRoot: string = findRoot(import.meta.dirname)
export const packageVersion: string = read(join(packageRoot, 'package.json')).version ?? 'unknown'
