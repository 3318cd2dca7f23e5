/** What a benchmark reports. */

export type Figure = 'value' | 'ratio' | 'difference'

export interface Goal {
  readonly of: Figure
  readonly operator: '<=' | '>=' | '='
  readonly bound: number
}

export interface Measured {
  readonly name: string
  /** Of `value`, `baseline` and `difference`, for example `rows/s` or `ms`. */
  readonly unit: string
  readonly value: number
  /** The same, done barely, measured in the same run: absolute figures of a shared machine say little. */
  readonly baseline?: number
  /** Median of the paired ratios. Default: `value / baseline`. */
  readonly ratio?: number
  /** Median of the paired differences. Default: `value - baseline`. */
  readonly difference?: number
  /** All of them shall hold. */
  readonly goals?: readonly Goal[]
  /** A count, the same in every run: missing its goal fails the run. Times never do. */
  readonly exact?: boolean
  /** How it was measured, in one line. */
  readonly how: string
}

/** A benchmark that cannot be run here. */
export interface Skipped {
  readonly name: string
  readonly reason: string
}

export type Row = Measured | Skipped

export const atMost = (of: Figure, bound: number): Goal => ({ of, operator: '<=', bound })
export const atLeast = (of: Figure, bound: number): Goal => ({ of, operator: '>=', bound })

/** For a count of what must not happen. */
export const NONE: Pick<Measured, 'goals' | 'exact'> = {
  goals: [{ of: 'value', operator: '=', bound: 0 }],
  exact: true,
}

export const isSkipped = (row: Row): row is Skipped => 'reason' in row

export function figureOf(row: Measured, figure: Figure): number | undefined {
  const { value, baseline } = row
  if (figure === 'value') return value
  if (figure === 'ratio') return row.ratio ?? (baseline ? value / baseline : undefined)
  return row.difference ?? (baseline === undefined ? undefined : value - baseline)
}

/** Undefined when there is no goal. */
export function meetsGoals(row: Measured): boolean | undefined {
  return row.goals?.every(({ of, operator, bound }) => {
    const figure = figureOf(row, of) ?? Number.NaN
    if (operator === '=') return figure === bound
    return operator === '<=' ? figure <= bound : figure >= bound
  })
}
