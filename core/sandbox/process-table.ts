/** What runs on this machine, read from /proc or, where there is none, from `ps`. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { TroupeError } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { isShortage } from './shortage.ts'
import { MARKER } from './wrapper.ts'

/** A process id means nothing alone, for it is used again; with its start time it names one process for ever. */
export interface ProcessIdentity {
  readonly pid: number
  /** Opaque and comparable; unique per boot. */
  readonly startTime: string
}

export interface ProcessEntry extends ProcessIdentity {
  readonly ppid: number
  readonly pgid: number
  readonly sid: number
  /** A zombie: it does nothing any more, but its group still has its number. */
  readonly dead: boolean
  /** The folder that it carries in its environment as `TROUPE_PROCESS`; never known where `ps` is the source. */
  readonly marker?: string
}

export interface ProcessTable {
  /**
   * Every process that was there when it was called. One that forks and ends meanwhile may be missed with its child.
   * @throws TroupeError PROCESS_LEFT when the system does not tell.
   */
  scan(): Promise<readonly ProcessEntry[]>
  /** The identity behind a process id at this moment. */
  identify(pid: number): Promise<ProcessIdentity | undefined>
  /**
   * False once the process has ended, its number used again or not.
   * @throws a shortage of the system: it says nothing about the process
   */
  isAlive(process: ProcessIdentity): Promise<boolean>
  /** The same for a process of a scan just made: asked right before each signal, so it must be instant. */
  isSame(process: ProcessIdentity): boolean
  /** Whether it stands still until somebody continues it; never known where `ps` is the source. */
  isStopped(process: ProcessIdentity): boolean
}

/** Processes read between two turns of the event loop: about 3 ms on a slow machine. */
const READ_AT_ONCE = 64
const KERNEL_THREAD = 0x200000
/** How long a process in the middle of an exec is waited for. */
const EXEC_TRIES = 50
const EXEC_PAUSE_MS = 2
/** How long a scan waits for descriptors: five seconds. */
const SHORTAGE_TRIES = 25
const SHORTAGE_PAUSE_MS = 200

/** The table of this machine. */
export const openProcessTable = (): ProcessTable => shareScans(existsSync('/proc/self/stat') ? procTable : psTable)

export const procTable: ProcessTable = {
  async scan() {
    for (let tries = 1; ; tries++) {
      try {
        return await scanProc()
      } catch (error) {
        if (!isShortage(error) || tries === SHORTAGE_TRIES) return failScan(error)
      }
      await sleep(SHORTAGE_PAUSE_MS)
    }
  },
  async identify(pid) {
    const stat = readStat(pid)
    return stat && { pid, startTime: stat.entry.startTime }
  },
  async isAlive({ pid, startTime }) {
    const stat = readStat(pid)
    return stat?.entry.dead === false && stat.entry.startTime === startTime
  },
  isStopped({ pid, startTime }) {
    const stat = readStat(pid)
    return stat?.stopped === true && stat.entry.startTime === startTime
  },
  isSame({ pid, startTime }) {
    try {
      return readStat(pid)?.entry.startTime === startTime
    } catch {
      return false // it is found again by the next scan
    }
  },
}

async function scanProc(): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = []
  for (const [index, name] of readdirSync('/proc').entries()) {
    if (index % READ_AT_ONCE === READ_AT_ONCE - 1) await setImmediate()
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    if (stat) entries.push(stat.kernel ? stat.entry : { ...stat.entry, ...(await readMarker(stat.entry.pid)) })
  }
  return entries
}

function failScan(error: unknown): never {
  const text = `The processes of this system cannot be listed: ${String(error)}. Raise the limits of the host (ulimit -n).`
  throw new TroupeError('PROCESS_LEFT', text, undefined, error)
}

/** For systems without /proc, macOS above all. A start time is exact to a second; a session is taken to be its group. */
export const psTable: ProcessTable = {
  scan: () => readPs(['-A']).catch(failScan),
  async identify(pid) {
    const [entry] = await readPs(['-p', String(pid)]).catch(() => []) // `ps` fails when there is no such process
    return entry && { pid, startTime: entry.startTime }
  },
  async isAlive({ pid, startTime }) {
    const entry = (await this.scan()).find((other) => other.pid === pid) // all who ask share one `ps`
    return entry?.dead === false && entry.startTime === startTime
  },
  isStopped: () => false,
  isSame: () => true, // another `ps` would be no closer to the signal than the scan just made
}

/** Callers that come while a scan runs share the next one: it begins after all of them asked. */
export function shareScans(table: ProcessTable): ProcessTable {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<readonly ProcessEntry[]> | undefined
  const begin = () => {
    next = undefined
    return table.scan()
  }
  return {
    ...table,
    scan() {
      if (next === undefined) {
        next = running.then(begin, begin)
        running = next
      }
      return next
    },
  }
}

interface Stat {
  readonly entry: ProcessEntry
  readonly kernel: boolean
  readonly stopped: boolean
}

let bootId: string | undefined

function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The name of the program is in parentheses and may hold anything, so count from the last one: [0] is field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [ppid, pgid, sid, flags, threads] = [1, 2, 3, 6, 17].map((index) => Number(fields[index]))
  const dead = /[ZXx]/.test(fields[0]!) && threads! <= 1 // a main thread may end before the others: not dead yet
  bootId ??= readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  return {
    entry: { pid, ppid: ppid!, pgid: pgid!, sid: sid!, startTime: `${bootId}/${fields[19]}`, dead },
    kernel: (flags! & KERNEL_THREAD) !== 0,
    stopped: fields[0] === 'T',
  }
}

async function readMarker(pid: number): Promise<{ marker?: string }> {
  let environment = readText(`/proc/${pid}/environ`)
  for (let tries = 0; environment === '' && tries < EXEC_TRIES && isStarting(pid); tries++) {
    await sleep(EXEC_PAUSE_MS)
    environment = readText(`/proc/${pid}/environ`)
  }
  const marker = environment?.split('\0').find((variable) => variable.startsWith(`${MARKER}=`))
  return marker === undefined ? {} : { marker: marker.slice(MARKER.length + 1) }
}

/** In the middle of an exec a process shows neither arguments nor environment, and would be overlooked. */
const isStarting = (pid: number): boolean =>
  readText(`/proc/${pid}/cmdline`) === '' && readStat(pid)?.entry.dead === false

/** Nothing when the process ended meanwhile or belongs to somebody else; a shortage does not make it look so. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}

async function readPs(which: readonly string[]): Promise<readonly ProcessEntry[]> {
  const columns = ['pid', 'ppid', 'pgid', 'stat', 'lstart'].flatMap((name) => ['-o', `${name}=`])
  const options = { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, timeout: 10_000, maxBuffer: 64 << 20 }
  const { stdout } = await promisify(execFile)('ps', [...which, ...columns], options)
  return stdout.split('\n').flatMap(parsePs)
}

function parsePs(line: string): ProcessEntry[] {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line)
  if (!match) return []
  const [pid, ppid, pgid] = [match[1], match[2], match[3]].map(Number)
  return [{ pid: pid!, ppid: ppid!, pgid: pgid!, sid: pgid!, startTime: match[5]!, dead: match[4]!.startsWith('Z') }]
}
