/** What the terminal can do, or that there is none. */
import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

export interface Style {
  /** Columns to fill; Infinity when the output is not a terminal, so that nothing is cut. */
  readonly width: number
  /** A person is looking: relative times, a spinner, cut lines. */
  readonly terminal: boolean
  /** Colours text where there are colours. The text must be plain. */
  paint(format: Format, text: string): string
  /** Milliseconds since 1970. */
  now(): number
}

export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
}

const NARROWEST = 40
/** Prose is hard to read in longer lines. */
const PROSE_WIDTH = 100

export function makeStyle(
  stream: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
  now: () => number = Date.now,
): Style {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb'
  const colour = terminal && !env['NO_COLOR']
  return {
    // Read each time: windows are resized.
    get width() {
      return stream.isTTY ? Math.max(NARROWEST, stream.columns || 80) : Infinity
    },
    terminal,
    paint: (format, text) => (colour && text !== '' ? styleText(format, text, { validateStream: false }) : text),
    now,
  }
}

/** The same with fewer columns, for what stands beside a margin. */
export const narrower = (style: Style, columns: number): Style => ({
  get width() {
    return Math.max(NARROWEST / 2, style.width - columns)
  },
  terminal: style.terminal,
  paint: (format, text) => style.paint(format, text),
  now: () => style.now(),
})

export const proseWidth = (style: Style): number => (style.terminal ? Math.min(style.width, PROSE_WIDTH) : Infinity)
