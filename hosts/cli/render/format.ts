/** Durations, times, counts, ids as people read them. */
import { plainLine } from './sanitize.ts'
import type { Style } from './style.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `0.4s`, `12s`, `3m 05s`, `2h 07m`. */
export function duration(ms: number): string {
  if (ms < 9950) return `${Math.max(0, ms / 1000).toFixed(1)}s`
  if (ms < MINUTE) return `${Math.round(ms / 1000)}s`.replace('60s', '1m 00s')
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${two(Math.floor((ms % MINUTE) / 1000))}s`
  return `${Math.floor(ms / HOUR)}h ${two(Math.floor((ms % HOUR) / MINUTE))}m`
}

/** `5m ago` for a person; the ISO time as it is where the output is kept. */
export function when(iso: string, style: Style): string {
  if (!style.terminal) return plainLine(iso)
  const ago = style.now() - Date.parse(iso)
  if (Number.isNaN(ago)) return plainLine(iso)
  if (ago < MINUTE) return 'just now'
  if (ago < HOUR) return `${Math.floor(ago / MINUTE)}m ago`
  if (ago < DAY) return `${Math.floor(ago / HOUR)}h ago`
  return ago < 14 * DAY ? `${Math.floor(ago / DAY)}d ago` : iso.slice(0, 10)
}

/** `842`, `12.3k`, `1.2M`. */
export function count(value: number): string {
  if (value < 1000) return String(value)
  return value < 999_950 ? `${(value / 1000).toFixed(1)}k` : `${(value / 1_000_000).toFixed(1)}M`
}

export const cost = (usd: number): string => `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`

export const plural = (value: number, noun: string): string => `${value} ${noun}${value === 1 ? '' : 's'}`

/** The end of an id: ids of tasks made close together begin alike, because they begin with the time. */
export const shortId = (id: string): string => plainLine(id).slice(-8)

const two = (value: number): string => String(value).padStart(2, '0')
