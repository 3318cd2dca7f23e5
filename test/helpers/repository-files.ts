/** The files of this repository, as a clone would have them. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))

/** Committed files and new ones that are not ignored; paths relative to the root, with `/`. */
export function listRepositoryFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const paths = execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' }).split('\0')
  return paths.filter((path) => path !== '' && existsSync(join(repositoryRoot, path)))
}

/** TypeScript modules below the given folders of the root; a folder that does not exist yet has none. */
export const listModules = (...folders: string[]): string[] =>
  folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`, { cwd: repositoryRoot })).toSorted()

export const readRepositoryFile = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')

export const sizeOf = (path: string): number => statSync(join(repositoryRoot, path)).size
