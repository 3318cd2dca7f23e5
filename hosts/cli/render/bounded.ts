/** Says how much was left out instead of flooding the terminal. */
import { plural } from './format.ts'

/** The first `most` lines; a last one tells how many more there are. */
export function firstLines(lines: readonly string[], most: number): string[] {
  if (lines.length <= most + 1) return [...lines]
  return [...lines.slice(0, most), `… ${plural(lines.length - most, 'more line')}`]
}

/** The last `most` lines; a first one tells how many came before. */
export function lastLines(lines: readonly string[], most: number): string[] {
  if (lines.length <= most + 1) return [...lines]
  return [`… ${plural(lines.length - most, 'line')} before`, ...lines.slice(-most)]
}

export function withoutBlankEnds(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== '')
  const last = lines.findLastIndex((line) => line.trim() !== '')
  return first === -1 ? [] : lines.slice(first, last + 1)
}
