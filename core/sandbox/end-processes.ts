/**
 * Ends agents with all their descendants.
 *
 * - K1 Members are looked for again after every signal: processes fork while they die.
 * - K2 No signal goes to a process id whose start time is not the one that was found.
 * - K3 A wrapper gets no SIGTERM: it ends with its program and writes the exit code; before that it is the parent
 *   through which others are found.
 * - K4 "None left" is said only after two scans in a row found none, with no sign of life in the known groups: members
 *   that the scan did not show, or zombies that the scan before did not. A scan is no snapshot, and a chain of
 *   short-lived processes can slip through it, but not without these traces.
 */
import { sleep } from '../base/waiting.ts'
import { findFamily, toKey } from './descendants.ts'
import type { ProcessEntry, ProcessIdentity, ProcessTable } from './process-table.ts'

/** How long SIGKILL is repeated; what lives on then hangs in the kernel or belongs to somebody else. */
const KILL_BOUND_MS = 5_000
const FIRST_PAUSE_MS = 5
const LAST_PAUSE_MS = 100

export interface Condemned {
  readonly wrappers: readonly ProcessIdentity[]
  /** True for the marker of a process folder that is meant. */
  readonly marked: (folder: string) => boolean
}

export interface Ended {
  /** Process ids of all that were found and are gone. */
  readonly ended: readonly number[]
  /** Process ids of those that survived SIGKILL, and numbers of groups whose members could not be caught. */
  readonly left: readonly number[]
}

/** SIGTERM, after `graceMs` SIGKILL, until none is left or the bound is reached. */
export async function endProcesses(table: ProcessTable, condemned: Condemned, graceMs: number): Promise<Ended> {
  const hunt = new Hunt(table, condemned)
  if (!(await hunt.run(graceMs, terminate(table)))) await hunt.run(KILL_BOUND_MS, kill(table))
  return hunt.result()
}

/** To the process itself; nothing happens when it has ended. */
export function sendSignal(table: ProcessTable, to: ProcessIdentity, name: NodeJS.Signals): void {
  if (table.isSame(to)) trySignal(to.pid, name) // K2
}

/** False when there is no such process, or (for a negative number) no such group. */
function trySignal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, name)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

interface Found {
  readonly members: readonly ProcessEntry[]
  readonly isWrapper: (member: ProcessIdentity) => boolean
}

/** What is done to the members found by a scan. */
type Strike = (found: Found) => void

/** One SIGTERM for each. */
function terminate(table: ProcessTable): Strike {
  const done = new Set<string>()
  return ({ members, isWrapper }) => {
    for (const member of members) {
      if (isWrapper(member) || done.has(toKey(member))) continue
      done.add(toKey(member))
      sendSignal(table, member, 'SIGTERM')
    }
  }
}

/**
 * At first each member but the wrappers, so that these can write how their programs ended. Then whole groups, in one
 * step, so that what forks faster than it is found does not escape: a group that the scan has just shown cannot have
 * lost its number to somebody else.
 */
function kill(table: ProcessTable): Strike {
  let round = 0
  return ({ members, isWrapper }) => {
    const first = round++ === 0
    for (const member of members) {
      if (first && isWrapper(member)) continue
      if (!first) trySignal(-member.pgid, 'SIGKILL')
      sendSignal(table, member, 'SIGKILL')
    }
  }
}

class Hunt {
  readonly #table: ProcessTable
  readonly #marked: Condemned['marked']
  readonly #wrappers: ReadonlySet<string>
  /** Every member ever found: it leads to others after its own parent has gone. */
  readonly #found = new Map<string, ProcessEntry>()
  /** Groups that members are or were in; a wrapper leads the one of its number. */
  readonly #groups: Set<number>
  #members: readonly ProcessEntry[] = []
  #hidden: readonly number[] = []
  #zombies: ReadonlySet<string> = new Set()

  constructor(table: ProcessTable, { wrappers, marked }: Condemned) {
    this.#table = table
    this.#marked = marked
    this.#wrappers = new Set(wrappers.map(toKey))
    this.#groups = new Set(wrappers.map(({ pid }) => pid))
  }

  /** Strikes until none is left, which is answered by true, or the time is over. */
  async run(boundMs: number, strike: Strike): Promise<boolean> {
    const deadline = performance.now() + boundMs
    const isWrapper = (member: ProcessIdentity) => this.#wrappers.has(toKey(member))
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
      if ((await this.#findsNone()) && (await this.#findsNone())) return true // K4
      strike({ members: this.#members, isWrapper })
      if (performance.now() >= deadline) return false
      await sleep(pause)
    }
  }

  result(): Ended {
    const left = new Set([...this.#members.map(({ pid }) => pid), ...this.#hidden])
    const found = new Set([...this.#found.values()].map(({ pid }) => pid))
    return { ended: [...found.difference(left)], left: [...left] }
  }

  async #findsNone(): Promise<boolean> {
    const table = await this.#table.scan()
    this.#members = findFamily(table, { known: this.#wrappers.union(this.#found), marked: this.#marked })
    for (const member of this.#members) {
      this.#found.set(toKey(member), member)
      this.#groups.add(member.pgid)
    }
    this.#hidden = this.#findHidden(table)
    const before = this.#zombies
    this.#zombies = new Set(table.filter((entry) => entry.dead && this.#groups.has(entry.pgid)).map(toKey))
    const changed = before.symmetricDifference(this.#zombies).size > 0
    return this.#members.length === 0 && this.#hidden.length === 0 && !changed
  }

  /** A group that is shown without a live member has zombies only, or belongs to others by now. */
  #findHidden(table: readonly ProcessEntry[]): readonly number[] {
    const shown = new Set(table.map(({ pgid }) => pgid))
    return [...this.#groups].filter((group) => !shown.has(group) && trySignal(-group, 0))
  }
}
