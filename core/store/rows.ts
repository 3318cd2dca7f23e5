/** What the query files share: rows read by SQL and shaped by their table, stamps, and ids from outside. */
import { validate } from 'uuid'
import { toIso } from '../base/clock.ts'
import { columnOf, type ColumnForm, type Table } from './tables.ts'
import type { SqlValue, Tx } from './tx.ts'

export interface Selection {
  /** What follows `from <table> t`. */
  readonly tail: string
  readonly parameters?: readonly SqlValue[]
  /** Computed columns, each `<expression> as "<name>"`. */
  readonly computed?: string
}

type Conversion = readonly [name: string, convert: (value: unknown) => unknown]

interface Shape {
  readonly columns: string
  /** For SQLite; the driver of PostgreSQL knows the types of its columns. */
  readonly conversions: readonly Conversion[]
}

const shapes = new WeakMap<object, Shape>()

/** Reads rows of one table, alias `t`, with the names and types of its properties. */
export async function select<Row extends object, Computed extends object = object>(
  tx: Tx,
  table: Table<Row>,
  selection: Selection,
): Promise<(Row & Computed)[]> {
  const shape = shapes.get(table) ?? makeShape(table)
  const columns = selection.computed ? `${shape.columns}, ${selection.computed}` : shape.columns
  const sql = `select ${columns} from ${table.name} t ${selection.tail}`
  const rows = await tx.all<Row & Computed>(sql, selection.parameters)
  if (tx.driver === 'sqlite') for (const row of rows) convertRow(row, shape)
  return rows
}

/** In place: most columns stay as they are. */
function convertRow(row: object, { conversions }: Shape): void {
  for (const [name, convert] of conversions) {
    const value: unknown = Reflect.get(row, name)
    if (value !== null) Reflect.set(row, name, convert(value))
  }
}

/** The row with this id, if there is one. */
export async function selectById<Row extends object>(tx: Tx, table: Table<Row>, id: string): Promise<Row | undefined> {
  if (!isRowId(id)) return undefined
  const [row] = await select(tx, table, { tail: 'where t.id = ?', parameters: [id] })
  return row
}

function makeShape<Row extends object>(table: Table<Row>): Shape {
  const columns = Object.entries<ColumnForm>(table.columns)
  const shape = {
    columns: columns.map(([name]) => `t.${columnOf(name)} as "${name}"`).join(', '),
    conversions: columns.flatMap(([name, form]): Conversion[] => (form === 'plain' ? [] : [[name, FROM_SQLITE[form]]])),
  }
  shapes.set(table, shape)
  return shape
}

const FROM_SQLITE = {
  boolean: Boolean,
  json: (value: unknown): unknown => JSON.parse(String(value)),
}

type NullableKeys<Row> = {
  [Key in keyof Row]-?: null extends Row[Key] ? Key : undefined extends Row[Key] ? Key : never
}[keyof Row]

/** A row whose empty columns are absent, as on the wire. */
export type Present<Row> = { [Key in Exclude<keyof Row, NullableKeys<Row> | symbol>]: Row[Key] } & {
  [Key in Exclude<NullableKeys<Row>, symbol>]?: NonNullable<Row[Key]>
}

export function present<Row extends object>(row: Row): Present<Row>
export function present(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined))
}

export const now = (tx: Tx): string => toIso(tx.clock.now())

export function newStamps(tx: Tx): { createdAt: string; updatedAt: string } {
  const at = now(tx)
  return { createdAt: at, updatedAt: at }
}

/**
 * Ends a `select` that keeps others from changing its rows until the transaction ends, and shows them as they are then. On
 * SQLite the transaction itself does.
 */
export const rowLock = (tx: Tx): string => (tx.driver === 'sqlite' ? '' : 'for no key update')

/** Ids come from outside; PostgreSQL would refuse one that is no UUID instead of finding nothing. */
export const isRowId = (id: string): boolean => validate(id)

/** A list as one parameter, so that the statement stays the same: `in ${listOf(tx, 'uuid')}`. */
export const listOf = (tx: Tx, type: 'uuid' | 'text'): string =>
  tx.driver === 'sqlite' ? '(select value from json_each(?))' : `(select unnest(?::${type}[]))`

export const listParameter = (tx: Tx, values: readonly string[]): SqlValue =>
  tx.driver === 'sqlite' ? JSON.stringify(values) : values
