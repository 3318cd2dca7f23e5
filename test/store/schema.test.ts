import { MikroORM as PostgresOrm } from '@mikro-orm/postgresql'
import { MikroORM as SqliteOrm, NodeSqliteDialect, SqliteDriver } from '@mikro-orm/sql'
import { expect, it } from 'vitest'
import { entities } from '../../core/store/entities/all.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { StoreOptions } from '../../core/store/store.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { deps } from './sample.ts'

const openOrm = (options: StoreOptions) => {
  const shared = { entities, schemaGenerator: { skipTables: ['migration'] } }
  if (options.driver === 'postgresql') return new PostgresOrm({ ...shared, clientUrl: options.url })
  const { file } = options
  return new SqliteOrm({ ...shared, driver: SqliteDriver, dbName: file, driverOptions: new NodeSqliteDialect(file) })
}

await describeEachDatabase('the schema', (databases) => {
  it('is the same in the migrations and in the entities', async () => {
    await using database = await databases.create()
    await (await openStore(database.options, deps))[Symbol.asyncDispose]()
    await using orm = openOrm(database.options)
    await orm.connect()
    expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('')
  })

  it('differs when a migration was forgotten', async () => {
    await using database = await databases.create()
    await using store = await openStore(database.options, deps)
    await store.transaction((tx) => tx.run('alter table worker drop column name'))
    await using orm = openOrm(database.options)
    await orm.connect()
    expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toContain('name')
  })
})
