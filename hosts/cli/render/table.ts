/** Columns, aligned to the terminal. */
import type { Style } from './style.ts'
import { displayWidth, padEnd, truncate } from './width.ts'

export interface Cell {
  /** Plain, one line. */
  readonly text: string
  readonly format?: Parameters<Style['paint']>[0]
}

export interface Column {
  readonly title: string
  /** Gives way when the terminal is too narrow. */
  readonly flexible?: boolean
}

const GAP = '  '
const LEAST = 8

/** A heading and a line for each row; every row has a cell for each column. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly Cell[])[], style: Style): string[] {
  const widths = fit(columns, rows, style.width)
  const toLine = (cells: readonly Cell[]): string =>
    cells
      .map((cell, at) => {
        const text = truncate(cell.text, widths[at] ?? 0)
        const shown = cell.format ? style.paint(cell.format, text) : text
        return at === cells.length - 1 ? shown : shown + padEnd('', (widths[at] ?? 0) - displayWidth(text))
      })
      .join(GAP)
      .trimEnd()
  return [columns.map(({ title }) => ({ text: title, format: 'dim' as const })), ...rows].map(toLine)
}

function fit(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number): number[] {
  const widths = columns.map(({ title }, at) =>
    Math.max(...[title, ...rows.map((row) => row[at]?.text ?? '')].map(displayWidth)),
  )
  let excess = widths.reduce((sum, one) => sum + one, GAP.length * (columns.length - 1)) - width
  return widths.map((wanted, at) => {
    if (excess <= 0 || !columns[at]?.flexible) return wanted
    const given = Math.max(LEAST, wanted - excess)
    excess -= wanted - given
    return given
  })
}
