/**
 * Writing single rows of an entity. MikroORM's own `insert` and `nativeUpdate` build their statement anew each time,
 * which costs as much as the commit; here each set of columns has one text, which the driver keeps prepared.
 */
import type { EntityMetadata, EntityName, EntityProperty } from '@mikro-orm/sql'
import { fail } from '../base/errors.ts'
import type { SqlValue, Tx } from './tx.ts'

/** Adds a row; properties that are absent or undefined stay empty. */
export async function insertRow<Row extends object>(tx: Tx, entity: EntityName<Row>, row: object): Promise<void> {
  const { table, columns, values } = toColumns(tx, entity, row)
  const places = columns.map(() => '?').join(', ')
  await tx.run(`insert into ${table} (${columns.join(', ')}) values (${places})`, values)
}

/** Changes the row with this id: absent and undefined properties stay, null clears. Gives false when there is none. */
export async function updateRow<Row extends object>(
  tx: Tx,
  entity: EntityName<Row>,
  { id, changes }: { readonly id: string; readonly changes: object },
): Promise<boolean> {
  const { table, columns, values } = toColumns(tx, entity, changes)
  const sets = columns.map((column) => `${column} = ?`).join(', ')
  return (await tx.run(`update ${table} set ${sets} where id = ?`, [...values, id])) > 0
}

interface Columns {
  readonly table: string
  readonly columns: readonly string[]
  readonly values: readonly SqlValue[]
}

function toColumns<Row extends object>(tx: Tx, entity: EntityName<Row>, row: object): Columns {
  const meta = tx.em.getMetadata().get(entity)
  const given = Object.entries(row).filter(([, value]) => value !== undefined)
  return {
    table: meta.tableName,
    columns: given.map(([name]) => propertyOf(meta, name).fieldNames[0] ?? name),
    values: given.map(([name, value]) => toSqlValue(tx, propertyOf(meta, name), value)),
  }
}

const propertyOf = (meta: Pick<EntityMetadata, 'props' | 'className'>, name: string): EntityProperty =>
  meta.props.find((property) => property.name === name) ??
  fail('INTERNAL', `The entity ${meta.className} has no property ${name}.`)

function toSqlValue(tx: Tx, { customType, name }: EntityProperty, value: unknown): SqlValue {
  const stored: unknown = customType ? customType.convertToDatabaseValue(value, tx.em.getPlatform()) : value
  return isPlain(stored) ? stored : fail('INTERNAL', `The property ${name} has a value that no column takes.`)
}

const isPlain = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
