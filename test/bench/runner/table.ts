/** Rows of benchmarks as a table of aligned columns. */
import { meetsGoal, ratioOf } from './row.ts'
import type { Row } from './row.ts'

const COLUMNS = ['benchmark', 'value', 'baseline', 'ratio', 'goal'] as const

function toText(figure: number | undefined): string {
  if (figure === undefined) return ''
  const digits = Math.abs(figure) >= 100 ? 0 : 2
  return figure.toLocaleString('en-US', { maximumFractionDigits: digits })
}

function toCells(row: Row): string[] {
  const met = meetsGoal(row)
  const verdict = met === undefined ? '' : met ? ' met' : ' MISSED'
  const withUnit = (figure: number | undefined) => (figure === undefined ? '' : `${toText(figure)} ${row.unit}`)
  return [row.name, withUnit(row.value), withUnit(row.baseline), toText(ratioOf(row)), `${row.goal ?? ''}${verdict}`]
}

export function toTable(rows: readonly Row[]): string {
  const lines = [[...COLUMNS], ...rows.map(toCells)]
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const align = (cell: string, column: number) => {
    const width = widths[column] ?? 0
    return column === 0 || column === 4 ? cell.padEnd(width) : cell.padStart(width)
  }
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n')
}
