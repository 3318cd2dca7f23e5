/**
 * Folders of sessions. The next one is made ahead: a session needs half a dozen new files, each of which takes some machines
 * a millisecond, and the agent's first words wait for all of them.
 *
 * Owns at most one spare folder beside those of the sessions.
 * - F1 A spare becomes the folder of one session, by a rename. Without one, the folder is made there and then.
 * - F2 A spare is made a moment after a session has begun, out of the way of its agent.
 * - F3 What a killed host leaves of it is cleared with the folders of sessions that are over.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { makeProcessFolder } from '../sandbox/process-folder.ts'
import type { ProcessSandbox } from '../sandbox/process-sandbox.ts'

/** About as long as an agent that is quick takes to its first words. */
const MOMENT_MS = 20

/** For the files of the agent's program. */
export const scratchOf = (folder: string): string => join(folder, 'scratch')

/** What the first process of a session begins with; a number is the name of one that was started. */
export const nextOf = (folder: string): string => join(folder, 'next')

/** Makes the folder of a session with what is in each. @throws TroupeError PROCESS_START, or what the system says. */
export function makeSessionFolder(folder: string): void {
  mkdirSync(scratchOf(folder), { recursive: true, mode: 0o700 })
  rmSync(nextOf(folder), { recursive: true, force: true }) // of a host that was killed before it started anything
  makeProcessFolder(nextOf(folder))
}

export interface SessionFoldersOptions {
  /** Sessions have their folders below. */
  readonly runRoot: string
  readonly clock: Clock
  readonly sandbox: Pick<ProcessSandbox, 'complete'>
}

export class SessionFolders implements Disposable {
  readonly #options: SessionFoldersOptions
  #spare: string | undefined
  #timer: Disposable | undefined

  constructor(options: SessionFoldersOptions) {
    this.#options = options
  }

  /** Makes the folder of a session that begins. @throws TroupeError PROCESS_START, or what the system says. */
  make(folder: string): void {
    if (!this.#takeSpare(folder)) makeSessionFolder(folder)
    this.#timer ??= this.#options.clock.after(MOMENT_MS, () => this.#makeSpare()) // F2
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    if (this.#spare !== undefined) remove(this.#spare)
  }

  // F1
  #takeSpare(folder: string): boolean {
    const spare = this.#spare
    if (spare === undefined || !succeeds(() => renameSync(spare, folder))) return false
    this.#spare = undefined
    return true
  }

  /** One that cannot be made costs the next session the time to make its own. */
  #makeSpare(): void {
    this.#timer = undefined
    if (this.#spare !== undefined) return
    const spare = join(this.#options.runRoot, `spare-${newId()}`)
    if (!succeeds(() => makeSessionFolder(spare))) return remove(spare) // On a full disk, each would leave a part.
    this.#spare = spare
    this.#options.sandbox.complete(nextOf(spare))
  }
}

/** What cannot be removed now goes with what a killed host leaves. // F3 */
function remove(spare: string): void {
  succeeds(() => rmSync(spare, { recursive: true, force: true }))
}

function succeeds(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
