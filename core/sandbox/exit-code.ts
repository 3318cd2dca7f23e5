/** How a program ended, as the wrapper wrote it down. */
import { closeSync, constants as file, openSync, readSync } from 'node:fs'
import { constants } from 'node:os'
import { isShortage } from './shortage.ts'
import type { ProcessExit } from './types.ts'

/** What is said of a program whose wrapper went without writing: only SIGKILL does that to both. */
export const KILLED: ProcessExit = { code: null, signal: 'SIGKILL', unrecorded: true }

/** What the file holds before, as long as the longest line that the wrapper writes over it (W4). */
export const NO_EXIT_YET = '\n'.repeat(4)

/**
 * Nothing while the wrapper has not written its whole line. Synchronous: it is a few bytes just written.
 * @throws a shortage of the system
 */
export function readExit(path: string): ProcessExit | undefined {
  const line = /^(\d{1,3})\n/.exec(readStart(path))
  return line ? toProcessExit(Number(line[1])) : undefined
}

/** A shell says 128 + n for signal n; a program that exits with such a number by itself cannot be told apart. */
function toProcessExit(status: number): ProcessExit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)
  return signal ? { code: null, signal: signal[0] } : { code: status }
}

function readStart(path: string): string {
  try {
    const descriptor = openSync(path, file.O_RDONLY | file.O_NOFOLLOW | file.O_NONBLOCK)
    try {
      const bytes = Buffer.alloc(NO_EXIT_YET.length)
      return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if (isShortage(error)) throw error
    return ''
  }
}
