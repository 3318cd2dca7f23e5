/** How a program ended, as the wrapper wrote it down. */
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import type { ProcessExit } from './types.ts'

/** What is said of a program whose wrapper went without writing: only SIGKILL does that to both. */
export const KILLED: ProcessExit = { code: null, signal: 'SIGKILL' }

/** Nothing while the wrapper has not written its whole line (W4). */
export async function readExit(path: string): Promise<ProcessExit | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return /^\d{1,3}\n$/.test(text) ? toProcessExit(Number.parseInt(text, 10)) : undefined
}

/** A shell says 128 + n for signal n; a program that exits with such a number by itself cannot be told apart. */
export function toProcessExit(status: number): ProcessExit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)
  return signal ? { code: null, signal: signal[0] } : { code: status }
}
