/**
 * What besides the commit decides how its files are written: line ends, filters, what a sparse checkout leaves out.
 * Files that were written under one shape are no fresh checkout under another.
 */
import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { readGitFile } from './git-file.ts'
import type { Repository } from './repository.ts'
import type { Worktree } from './worktree.ts'

const MAX_BYTES = 4 * 1024 * 1024

/** Of the user and the machine; those that are missing could come. */
export function userFiles(env: Readonly<NodeJS.ProcessEnv>): readonly string[] {
  const home = env['HOME'] ?? homedir()
  const folder = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'git')
  const own = env['GIT_CONFIG_GLOBAL'] ?? join(home, '.gitconfig')
  const system = env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig'
  return [own, join(folder, 'config'), join(folder, 'attributes'), system, '/etc/gitattributes']
}

/** Configuration files that are in force in the worktree, included ones among them. One process. */
export async function filesInForce({ git }: Worktree): Promise<string[]> {
  const { text } = await git(['config', '--null', '--show-origin', '--name-only', '--list'], { background: true })
  const origins = text.split('\0').filter((field) => field.startsWith('file:'))
  return [...new Set(origins.map((origin) => origin.slice('file:'.length)))]
}

/** A number for the content of these files and of what the repository itself says; read in process. */
export function shapeOf({ commonDir, view }: Repository, files: readonly string[]): string {
  const all = [join(view, 'config'), sparseFile(commonDir), ...files]
  const texts = all.map((file) => readGitFile(file, MAX_BYTES))
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}

export const sparseFile = (gitDir: string): string => join(gitDir, 'info', 'sparse-checkout')
