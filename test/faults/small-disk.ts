/** A small disk of its own for a test, that can be filled, made read-only and mended. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import type { Probe } from '../helpers/requirement.ts'

export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes the last byte. */
  fill(): void
  /** Gives back what `fill` took. */
  clear(): void
  /** Makes it read-only until disposed. */
  protect(): Disposable
}

const BLOCK = Buffer.alloc(4096)

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

/** @throws Error when this user may not mount. */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const folder = makeTemporaryFolder()
  const path = join(folder.path, 'disk')
  mkdirSync(path)
  run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', path])
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      const file = openSync(ballast, 'a')
      try {
        for (;;) writeSync(file, BLOCK)
      } catch {
        closeSync(file) // It is full.
      }
    },
    clear: () => rmSync(ballast, { force: true }),
    protect() {
      // Read-only to whoever opens a file from now on: the agent of a killed host still writes to its own.
      run('mount', ['--bind', path, path])
      run('mount', ['-o', 'remount,bind,ro', path])
      return { [Symbol.dispose]: () => run('umount', ['--lazy', path]) }
    },
    [Symbol.dispose]() {
      run('umount', ['--lazy', path])
      folder[Symbol.dispose]()
    },
  }
}

/** For `requires`-like decisions: why no disk can be mounted here. */
export const mountProbe: Probe = () => {
  try {
    mountSmallDisk(1)[Symbol.dispose]()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
