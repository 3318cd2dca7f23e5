import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { migrateApart, migrateWithin } from '../../core/store/migrate-apart.ts'
import { postgresMigrations } from '../../core/store/migrations/postgres/list.ts'
import { sqliteMigrations } from '../../core/store/migrations/sqlite/list.ts'
import type { NamedMigration } from '../../core/store/migration-state.ts'
import { openStore, type StoreDeps } from '../../core/store/open-store.ts'
import type { StoreOptions } from '../../core/store/store.ts'
import { insertWorkspace, listWorkspaces } from '../../core/store/workspaces.ts'
import { describeEachDatabase, sqlite } from '../helpers/databases.ts'
import { deps } from './sample.ts'

const own = { sqlite: sqliteMigrations, postgresql: postgresMigrations }
const next = ({ driver }: StoreOptions, ...more: NamedMigration[]) => ({
  ...deps,
  migrations: [...own[driver], ...more],
})
const named = (name: string): NamedMigration => ({
  name,
  url: new URL(`./migrations/${name}.ts`, import.meta.url).href,
})
const addColour = named('9998-colour')
const broken = named('9999-broken')
const deadly = named('9999-deadly')
const endless = named('9999-endless')
const full = named('9999-full')
/** The newest of the program's own. */
const last = sqliteMigrations.at(-1)?.name ?? ''

const backups = (folder: string) => readdirSync(folder).filter((name) => name.includes('backup'))

async function addWorkspace(options: StoreOptions, name: string, using: StoreDeps = deps): Promise<void> {
  await using store = await openStore(options, using)
  await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name }))
}

async function workspaces(options: StoreOptions, using: StoreDeps = deps): Promise<string[]> {
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

await describeEachDatabase('migrating a database in a process of its own', (databases) => {
  it('makes it, and migrates it with its data', async () => {
    await using database = await databases.create()
    await addWorkspace(database.options, 'old', { ...deps, migrateUp: migrateApart })
    const newer = { ...next(database.options, addColour), migrateUp: migrateApart }
    expect(await workspaces(database.options, newer)).toEqual(['old'])
  })

  it.each([
    ['fails', broken, /"nothing"/],
    ['is killed', deadly, /SIGKILL/],
  ])('leaves it as it was when that %s, and says why', async (_, migration, why) => {
    await using database = await databases.create()
    await addWorkspace(database.options, 'old')
    const opening = openStore(database.options, { ...next(database.options, migration), migrateUp: migrateApart })
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_MIGRATION_FAILED',
      message: expect.stringMatching(why),
      details: { pending: [migration.name] },
    })
    expect(await workspaces(database.options, next(database.options, addColour))).toEqual(['old'])
  })
})

describe('migrating an SQLite database in a process of its own', () => {
  it('leaves it as it was when the disk becomes full, says so, and migrates it once there is room', async () => {
    await using database = await sqlite.create()
    await addWorkspace(database.options, 'old')
    const opening = openStore(database.options, { ...next(database.options, full), migrateUp: migrateApart })
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_MIGRATION_FAILED',
      message: expect.stringMatching(/full/),
    })
    expect(await workspaces(database.options)).toEqual(['old'])
    const newer = { ...next(database.options, addColour), migrateUp: migrateApart }
    expect(await workspaces(database.options, newer)).toEqual(['old'])
  })

  it('holds nobody who has migrated and wants to end', async () => {
    await using database = await sqlite.create()
    const target = { driver: 'sqlite', file: database.options.file, busyTimeoutMs: 1000 } as const
    const run = { target, migrations: sqliteMigrations, details: { pending: [] } }
    const migrateApartUrl = new URL('../../core/store/migrate-apart.ts', import.meta.url).href
    const program = `import { migrateApart } from '${migrateApartUrl}'; await migrateApart(${JSON.stringify(run)})`
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 })
    expect(await workspaces(database.options)).toEqual([])
  })

  it('ends one that takes too long, and leaves the database as it was', async () => {
    await using database = await sqlite.create()
    await addWorkspace(database.options, 'old')
    const migrateUp: StoreDeps['migrateUp'] = (run) => migrateWithin(3000, run)
    const opening = openStore(database.options, { ...next(database.options, endless), migrateUp })
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_MIGRATION_FAILED',
      message: expect.stringContaining('took too long'),
    })
    expect(await workspaces(database.options, next(database.options, addColour))).toEqual(['old'])
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
