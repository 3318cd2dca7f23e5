/** Writing single rows of a table. Each set of columns has one text, which the driver keeps prepared. */
import { fail } from '../base/errors.ts'
import { toJsonText, toPlainText } from './json-text.ts'
import { columnOf, type ColumnForm, type Table } from './tables.ts'
import type { SqlValue, Tx } from './tx.ts'

/** Adds a row; properties that are absent or undefined stay empty. */
export async function insertRow<Row extends object>(tx: Tx, table: Table<Row>, row: object): Promise<void> {
  await insert(tx, table, { row })
}

/** Adds a row unless there is one with its id; then gives false. */
export const insertRowOnce = <Row extends object>(tx: Tx, table: Table<Row>, row: object): Promise<boolean> =>
  insert(tx, table, { row, tail: 'on conflict (id) do nothing' })

async function insert<Row extends object>(
  tx: Tx,
  table: Table<Row>,
  { row, tail = '' }: { readonly row: object; readonly tail?: string },
): Promise<boolean> {
  const { columns, values } = toColumns(table, row)
  const places = columns.map(() => '?').join(', ')
  return (await tx.run(`insert into ${table.name} (${columns.join(', ')}) values (${places}) ${tail}`, values)) > 0
}

/** Changes the row with this id: absent and undefined properties stay, null clears. Gives false when there is none. */
export async function updateRow<Row extends object>(
  tx: Tx,
  table: Table<Row>,
  { id, changes }: { readonly id: string; readonly changes: object },
): Promise<boolean> {
  const { columns, values } = toColumns(table, changes)
  const sets = columns.map((column) => `${column} = ?`).join(', ')
  return (await tx.run(`update ${table.name} set ${sets} where id = ?`, [...values, id])) > 0
}

interface Columns {
  readonly columns: readonly string[]
  readonly values: readonly SqlValue[]
}

function toColumns<Row extends object>(table: Table<Row>, row: object): Columns {
  const forms = new Map(Object.entries<ColumnForm>(table.columns))
  const given = Object.entries(row).filter(([, value]) => value !== undefined)
  for (const [name] of given)
    if (!forms.has(name)) fail('INTERNAL', `The table ${table.name} has no column for ${name}.`)
  return {
    columns: given.map(([name]) => columnOf(name)),
    values: given.map(([name, value]) => toSqlValue(name, value, forms.get(name))),
  }
}

function toSqlValue(name: string, value: unknown, form: ColumnForm | undefined): SqlValue {
  if (value === null) return null
  if (form === 'json') return toJsonText(value)
  if (typeof value === 'string') return toPlainText(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return fail('INTERNAL', `The property ${name} has a value that no column takes.`)
}
