/**
 * What is to be deleted.
 *
 * Owns the folder `trash` of the data directory. A folder of 20,000 files takes a second to delete, and held the main
 * thread for up to a quarter of one when Node did it; so it is renamed to here, which is done at once, and a process
 * deletes it. What a host that ended left here, the next one deletes.
 */
import { randomUUID } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Background } from './background.ts'
import { runProcess } from './run-process.ts'

export interface Trash {
  /** The folder, which must lie in the data directory, is gone when this settles; its space is free a little later. */
  discard(path: string): Promise<void>
  /** To be called first. Begins to delete what is there already. */
  open(): Promise<void>
}

export interface TrashOptions {
  readonly dataDir: string
  readonly background: Background
  readonly env: Readonly<NodeJS.ProcessEnv>
}

const TIMEOUT_MS = 15 * 60_000

export function makeTrash({ dataDir, background, env }: TrashOptions): Trash {
  const folder = join(dataDir, 'trash')
  const run = async (program: string, args: readonly string[], signal?: AbortSignal): Promise<void> => {
    const bounds = { timeoutMs: TIMEOUT_MS, maxOutputBytes: 0, background: true, signal }
    await runProcess({ program, args, cwd: dataDir, env: { PATH: env['PATH'] ?? '' }, ...bounds })
  }

  async function remove(path: string, signal?: AbortSignal): Promise<void> {
    await run('rm', ['-rf', '--', path], signal)
    if (!(await isThere(path))) return
    // Some tools leave folders that their owner may not write (the module cache of Go, for one).
    await run('chmod', ['-R', 'u+rwX', '--', path], signal)
    await run('rm', ['-rf', '--', path], signal)
    if (await isThere(path)) fail('DATA_DIR_UNUSABLE', `${path} cannot be deleted. Check its owner, and delete it.`)
  }

  return {
    async discard(path) {
      const place = join(folder, randomUUID())
      await rename(path, place).catch(async (error: NodeJS.ErrnoException) => {
        // The worktrees lie on a disk of their own.
        if (error.code === 'EXDEV') return remove(path)
        // Moving a folder writes its entry `..`, which its mode may forbid.
        await chmod(path, 0o700)
        await rename(path, place)
      })
      background.run(`deleting ${place}`, (signal) => remove(place, signal))
    },
    async open() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        const place = join(folder, name)
        background.run(`deleting ${place}`, (signal) => remove(place, signal))
      }
    },
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )
