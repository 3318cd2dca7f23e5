/** What a command prints: results on stdout, as lines for people or as JSON; everything else on stderr. */
import { once } from 'node:events'
import { plainJson } from './render/sanitize.ts'
import { type Style, makeStyle } from './render/style.ts'
import type { Streams } from './streams.ts'

export interface Output {
  readonly json: boolean
  /** Of stdout. */
  readonly style: Style
  /** Lines for people; nothing with `--json`. */
  lines(lines: readonly string[]): void
  /** The result: one JSON document with `--json`, else the lines. */
  result(document: unknown, lines: () => readonly string[]): void
  /** One line of NDJSON; nothing without `--json`. */
  record(record: unknown): void
  /** For the person at the terminal, on stderr, in both modes. */
  notice(text: string): void
  /** Settles when the reader has caught up. */
  drained(signal: AbortSignal): Promise<void>
}

export interface OutputOptions {
  readonly streams: Streams
  readonly env: Readonly<Record<string, string | undefined>>
  readonly json: boolean
}

export function makeOutput({ streams: { stdout, stderr }, env, json }: OutputOptions): Output {
  const print = (text: string) => void stdout.write(`${text}\n`)
  const lines = (all: readonly string[]) => {
    if (!json && all.length > 0) print(all.join('\n'))
  }
  return {
    json,
    style: makeStyle(stdout, env),
    lines,
    result: (document, toLines) => (json ? print(plainJson(document, 2)) : lines(toLines())),
    record: (record) => (json ? print(plainJson(record)) : undefined),
    notice: (text) => void stderr.write(`${text}\n`),
    async drained(signal) {
      if (stdout.writableNeedDrain && !stdout.destroyed) await once(stdout, 'drain', { signal })
    },
  }
}
