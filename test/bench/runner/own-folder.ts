/**
 * A temporary folder for all that one module makes. A module that dies in the middle cannot clean up: what is left of it is
 * found by the folder, which is in the environment of every process below it.
 */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OwnFolder extends Disposable {
  /** For the module's process: its TMPDIR is the folder. */
  readonly env: NodeJS.ProcessEnv
}

/** Disposing ends every process that knows the folder, and removes it. */
export function makeOwnFolder(): OwnFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'bench-')))
  return {
    env: { ...process.env, TMPDIR: path },
    [Symbol.dispose]() {
      for (const pid of readdirSync('/proc').filter((name) => knows(name, path))) endNow(Number(pid))
      rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function knows(pid: string, path: string): boolean {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${path}`)
  } catch {
    return false // It has ended meanwhile, or is somebody else's.
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
