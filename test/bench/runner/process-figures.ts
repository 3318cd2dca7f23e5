/** What Linux says about a process. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

export interface Memory {
  /** All that is in memory for it, shared pages too, in bytes. */
  readonly rss: number
  /** Its fair part of it. */
  readonly pss: number
  /** What would be free without it. */
  readonly private: number
}

const read = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')

function field(text: string, name: string): number {
  const [, figure] = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text) ?? []
  return Number(figure ?? Number.NaN)
}

export function memoryOf(pid: number): Memory {
  const text = read(pid, 'smaps_rollup')
  const bytes = (name: string): number => field(text, name) * 1024
  return { rss: bytes('Rss'), pss: bytes('Pss'), private: bytes('Private_Clean') + bytes('Private_Dirty') }
}

export const peakRssOf = (pid: number): number => field(read(pid, 'status'), 'VmHWM') * 1024

/** The peak counts from now on. */
export const resetPeakRss = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

/** Bytes that all of its write calls took, whatever became of them: exact, and the same on every file system. */
export const bytesWrittenBy = (pid: number): number => field(read(pid, 'io'), 'wchar')

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  /** Names of its environment. */
  readonly variables: readonly string[]
}

/** Every process below `root`, itself not included. */
export function descendantsOf(root: number): RunningProcess[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => describe(Number(pid)))
  const below = (parent: number): RunningProcess[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(root)
}

function describe(pid: number): RunningProcess[] {
  try {
    return [{ pid, parent: field(read(pid, 'status'), 'PPid'), variables: variablesOf(pid) }]
  } catch {
    return [] // It has ended meanwhile.
  }
}

const variablesOf = (pid: number): string[] =>
  read(pid, 'environ')
    .split('\0')
    .map((variable) => variable.split('=')[0] ?? '')

/** Settles when the process no longer wants the processor: what a start left to do is done. Bounded by 20 s. */
export async function untilIdle(pid: number): Promise<void> {
  const ticks = (): number => {
    const [user, system] = read(pid, 'stat').split(') ')[1]?.split(' ').slice(11, 13) ?? []
    return Number(user) + Number(system)
  }
  let before = -1
  for (let waited = 0; waited < 20_000; waited += 500) {
    const now = ticks()
    if (now - before <= 1 && before >= 0) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
