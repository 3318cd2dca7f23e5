/**
 * What Codex leaves in the worktree when a command of its sandbox is ended: empty folders, over which the sandbox had mounted
 * what may not be written (`.codex`, `.agents` and others).
 */
import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/** An empty folder is nothing to git, so none of these is part of anybody's work. Never rejects. */
export async function removeLitter(workDir: string): Promise<void> {
  const entries = await readdir(workDir, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith('.'))
  await Promise.allSettled(folders.map(({ name }) => rmdir(join(workDir, name)))) // Fails unless it is empty.
}
