/** How the arguments of query functions derive from the records of the contract. */
import type { ErrorEnvelope } from '../base/errors.ts'

interface Stamped {
  readonly createdAt: string
  readonly updatedAt: string
}

type OptionalKeys<Row> = { [Key in keyof Row]-?: undefined extends Row[Key] ? Key : never }[keyof Row]

/** What a column takes: errors come as envelopes, whose details are JSON by agreement. */
type Input<Row, Key extends keyof Row> = Key extends 'error' ? ErrorEnvelope : Exclude<Row[Key], undefined>

type OptionalInputs<Row> = { [Key in OptionalKeys<Row>]?: Input<Row, Key> | null | undefined }

/** A record to be inserted; the store stamps its times. */
export type NewRecord<Row extends Stamped> = Pick<Row, Exclude<keyof Row, OptionalKeys<Row> | keyof Stamped>> &
  OptionalInputs<Row>

/** Columns to change: what is absent stays, null clears an optional one. */
export type Changes<Row extends Stamped> = Partial<
  Pick<Row, Exclude<keyof Row, OptionalKeys<Row> | keyof Stamped | 'id'>>
> &
  OptionalInputs<Row>
