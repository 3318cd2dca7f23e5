/** Which processes belong to an agent: pure, over one scan of the process table. */
import type { ProcessEntry, ProcessIdentity } from './process-table.ts'

export interface Family {
  /** Known members: the wrapper, and whoever was found before. */
  readonly known: ReadonlySet<string>
  /** True for the marker of a process folder that is meant. */
  readonly marked: (folder: string) => boolean
}

export const toKey = ({ pid, startTime }: ProcessIdentity): string => `${pid}@${startTime}`

/**
 * All live members: known or marked ones, their descendants, and whoever shares a session or group with one.
 *
 * A group number is trusted only through a member that is alive in this scan, since the number of an empty group is
 * used again. The wrapper leads a session of its own, so the groups of members hold nobody else. This process and its
 * ancestors are never members, even when an agent started this host.
 *
 * What escapes: a process whose parents have all ended, in a session of its own, which has also lost or overwritten its
 * environment. Only a container or a control group holds such a one.
 */
export function findFamily(table: readonly ProcessEntry[], family: Family): ProcessEntry[] {
  const spared = findAncestors(table, process.pid)
  const isRoot = (entry: ProcessEntry) =>
    family.known.has(toKey(entry)) || (entry.marker !== undefined && family.marked(entry.marker))
  const candidates = table.filter(({ pid, dead }) => !dead && !spared.has(pid))
  const members = new Map(candidates.filter(isRoot).map((entry) => [entry.pid, entry]))
  const groups = new Set([...members.values()].flatMap(({ pgid, sid }) => [pgid, sid]))
  for (let before = -1; members.size > before;) {
    before = members.size
    for (const entry of candidates) {
      if (!members.has(entry.ppid) && !groups.has(entry.pgid) && !groups.has(entry.sid)) continue
      members.set(entry.pid, entry)
      groups.add(entry.pgid).add(entry.sid)
    }
  }
  return [...members.values()]
}

/** The process, its parent and so on, and the system's first. */
function findAncestors(table: readonly ProcessEntry[], pid: number): ReadonlySet<number> {
  const parents = new Map(table.map((entry) => [entry.pid, entry.ppid]))
  const found = new Set([1])
  for (let at: number | undefined = pid; at !== undefined && !found.has(at); at = parents.get(at)) found.add(at)
  return found
}
