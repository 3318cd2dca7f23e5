import { Migration } from '@mikro-orm/migrations'
import { readdirSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { postgresMigrations } from '../../core/store/migrations/postgres/list.ts'
import { sqliteMigrations } from '../../core/store/migrations/sqlite/list.ts'
import type { NamedMigration } from '../../core/store/migration-state.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { StoreOptions } from '../../core/store/store.ts'
import { insertWorkspace, listWorkspaces } from '../../core/store/workspaces.ts'
import { describeEachDatabase, sqlite } from '../helpers/databases.ts'
import { deps } from './sample.ts'

class AddColour extends Migration {
  override up(): void {
    this.addSql(`alter table workspace add column colour text`)
  }
}

/** Its first half would work. */
class Broken extends Migration {
  override up(): void {
    this.addSql(`alter table workspace add column shape text`)
    this.addSql(`update nothing set x = 1`)
  }
}

const own = { sqlite: sqliteMigrations, postgresql: postgresMigrations }
const next = ({ driver }: StoreOptions, ...more: NamedMigration[]) => ({
  ...deps,
  migrations: [...own[driver], ...more],
})
const addColour = { name: '9998-colour', load: async () => AddColour }
const broken = { name: '9999-broken', load: async () => Broken }
/** The newest of the program's own. */
const last = sqliteMigrations.at(-1)?.name ?? ''

const backups = (folder: string) => readdirSync(folder).filter((name) => name.includes('backup'))

async function addWorkspace(options: StoreOptions, name: string, using = deps): Promise<void> {
  await using store = await openStore(options, using)
  await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name }))
}

async function workspaces(options: StoreOptions, using = deps): Promise<string[]> {
  await using store = await openStore(options, using)
  return (await store.read(listWorkspaces)).map((workspace) => workspace.name)
}

await describeEachDatabase('opening a database', (databases) => {
  it('of an older Troupe migrates it with its data', async () => {
    await using database = await databases.create()
    await addWorkspace(database.options, 'old')
    await using store = await openStore(database.options, next(database.options, addColour))
    const rows = await store.read((tx) => tx.all('select name, colour from workspace'))
    expect(rows).toEqual([{ name: 'old', colour: null }])
  })

  it('of a newer Troupe is refused, naming what is not known', async () => {
    await using database = await databases.create()
    await addWorkspace(database.options, 'new', next(database.options, addColour))
    const opening = openStore(database.options, deps)
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining('9998-colour'),
    })
  })

  it('whose migration fails leaves it as it was', async () => {
    await using database = await databases.create()
    await addWorkspace(database.options, 'old')
    const opening = openStore(database.options, next(database.options, addColour, broken))
    await expect(opening).rejects.toMatchObject({ code: 'STORE_MIGRATION_FAILED' })
    expect(await workspaces(database.options)).toEqual(['old'])
    // The good migration before the broken one was taken back too.
    expect(await workspaces(database.options, next(database.options, addColour))).toEqual(['old'])
  })

  it('at the same time from several places migrates it once', async () => {
    await using database = await databases.create()
    if (database.options.driver === 'sqlite') await addWorkspace(database.options, 'first')
    const opening = Array.from({ length: 4 }, () => openStore(database.options, deps))
    const stores = await Promise.all(opening)
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    await addWorkspace(database.options, 'after')
    expect(await workspaces(database.options)).toContain('after')
  })
})

describe('the backup of an SQLite database', () => {
  it('is made before a migration, holds the data, and opens with the older Troupe', async () => {
    await using database = await sqlite.create()
    await addWorkspace(database.options, 'old')
    await addWorkspace(database.options, 'new', next(database.options, addColour))
    expect(backups(database.folder)).toEqual([`troupe.db.backup-${last}`])
    const backup = { driver: 'sqlite' as const, file: `${database.options.file}.backup-${last}` }
    expect(statSync(backup.file).mode & 0o777).toBe(0o600)
    expect(await workspaces(backup)).toEqual(['old'])
  })

  it('is not made for a new database, nor when there is nothing to migrate', async () => {
    await using database = await sqlite.create()
    await addWorkspace(database.options, 'one')
    await addWorkspace(database.options, 'two')
    expect(backups(database.folder)).toEqual([])
  })

  it('is named by the error of a failed migration, each time anew', async () => {
    await using database = await sqlite.create()
    await addWorkspace(database.options, 'old')
    const failing = () => openStore(database.options, next(database.options, broken))
    const backup = `${database.options.file}.backup-${last}`
    await expect(failing()).rejects.toMatchObject({ message: expect.stringContaining(backup), details: { backup } })
    await addWorkspace(database.options, 'later')
    await expect(failing()).rejects.toMatchObject({ code: 'STORE_MIGRATION_FAILED' })
    expect(await workspaces({ driver: 'sqlite', file: backup })).toEqual(['old', 'later'])
  })
})
