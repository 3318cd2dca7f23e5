import { MikroORM, NodeSqliteDialect, SqliteDriver } from '@mikro-orm/sql'
import { expect, it } from 'vitest'
import { entities } from '../../core/store/entities/all.ts'
import { columnOf, tables } from '../../core/store/tables.ts'

const orm = new MikroORM({
  entities,
  driver: SqliteDriver,
  dbName: ':memory:',
  driverOptions: new NodeSqliteDialect(':memory:'),
})

/** What a column is for SQLite, as its entity says. */
function formOf({ customType, runtimeType }: { customType?: object; runtimeType: string }): string {
  if (customType?.constructor.name === 'JsonText') return 'json'
  return runtimeType === 'boolean' ? 'boolean' : 'plain'
}

it.each(tables.map((table) => [table.name, table] as const))('%s is what its entity says', (name, table) => {
  const entity = [...orm.getMetadata().getAll().values()].find(({ tableName }) => tableName === name)
  const declared = entity?.props.map((property) => [property.name, property.fieldNames[0], formOf(property)])
  const known = Object.entries(table.columns).map(([property, form]) => [property, columnOf(property), form])
  expect(known).toEqual(declared)
})
