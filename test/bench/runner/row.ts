/** What a benchmark reports. */

export interface Row {
  readonly name: string
  readonly value: number
  /** Of `value` and `baseline`, for example `rows/s` or `ms`. */
  readonly unit: string
  /** The same, done barely, measured in the same run: absolute figures of a shared machine say little. */
  readonly baseline?: number
  /** `value / baseline` unless the module says otherwise. */
  readonly ratio?: number
  /** What the ratio (or the value, if there is none) shall be, in words, for example `>= 0.5`. */
  readonly goal?: string
}

export const ratioOf = ({ value, baseline, ratio }: Row): number | undefined =>
  ratio ?? (baseline ? value / baseline : undefined)

/** Undefined when there is no goal. */
export function meetsGoal(row: Row): boolean | undefined {
  const [, operator, bound] = /^(<=|>=|<|>|=)\s*([\d.]+)/.exec(row.goal ?? '') ?? []
  if (!operator) return undefined
  const figure = ratioOf(row) ?? row.value
  const limit = Number(bound)
  const results: Record<string, boolean> = {
    '<': figure < limit,
    '<=': figure <= limit,
    '=': figure === limit,
    '>=': figure >= limit,
    '>': figure > limit,
  }
  return results[operator]
}
