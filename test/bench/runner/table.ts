/** Rows of benchmarks as text: for a terminal in aligned columns, and the same cells for a document. */
import { figureOf, isSkipped, meetsGoals, type Goal, type Measured, type Row } from './row.ts'

export const COLUMNS = ['benchmark', 'value', 'baseline', 'ratio', 'difference', 'goal', 'met'] as const

const WORDS = { '<=': '<=', '>=': '>=', '=': '' } as const

export function toCells(row: Row): string[] {
  if (isSkipped(row)) return [row.name, 'not measured', '', '', '', '', row.reason]
  const met = meetsGoals(row)
  return [
    row.name,
    withUnit(row.value, row.unit),
    withUnit(row.baseline, row.unit),
    toText(figureOf(row, 'ratio')),
    hasGoal(row, 'difference') ? withUnit(figureOf(row, 'difference'), row.unit) : '',
    (row.goals ?? []).map((goal) => goalText(goal, row.unit)).join(', '),
    met === undefined ? '' : met ? 'yes' : 'no',
  ]
}

export function toTable(rows: readonly Row[]): string {
  const lines = [[...COLUMNS], ...rows.map(toCells)]
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const align = (cell: string, column: number) => {
    const width = widths[column] ?? 0
    return column === 0 || column >= 5 ? cell.padEnd(width) : cell.padStart(width)
  }
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n')
}

const hasGoal = ({ goals = [] }: Measured, figure: Goal['of']): boolean => goals.some(({ of }) => of === figure)

function goalText({ of, operator, bound }: Goal, unit: string): string {
  if (of === 'ratio') return `${operator} ${bound} x`
  const prefix = of === 'difference' ? '+' : ''
  return `${WORDS[operator]} ${prefix}${bound} ${unit}`.trim()
}

const withUnit = (figure: number | undefined, unit: string): string =>
  figure === undefined ? '' : `${toText(figure)} ${unit}`

function toText(figure: number | undefined): string {
  if (figure === undefined) return ''
  const digits = Math.abs(figure) >= 100 ? 0 : 2
  return figure.toLocaleString('en-US', { maximumFractionDigits: digits })
}
