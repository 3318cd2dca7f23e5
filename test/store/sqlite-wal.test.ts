import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { commitsAfterDamage } from '../../core/store/sqlite-wal.ts'
import { listWorkspaces } from '../../core/store/workspaces.ts'
import { sqlite, type SqliteTestDatabase } from '../helpers/databases.ts'
import { deps } from './sample.ts'

const COMMITS = 30

/** A database whose writer was killed, with its commits still in the write-ahead log. */
async function killedWriter(): Promise<SqliteTestDatabase & { wal: string }> {
  const database = await sqlite.create()
  const script = `
    import { openStore } from './core/store/open-store.ts'
    import { insertWorkspace } from './core/store/workspaces.ts'
    import { newId } from './core/base/ids.ts'
    import { systemClock } from './core/base/clock.ts'
    import { silentLogger } from './core/base/logger.ts'
    const store = await openStore({ driver: 'sqlite', file: process.argv[1] }, { clock: systemClock, logger: silentLogger })
    for (let n = 0; n < ${COMMITS}; n += 1) await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'w' + n }))
    process.kill(process.pid, 'SIGKILL')`
  const root = new URL('../..', import.meta.url)
  const { signal, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '-e', script, database.options.file],
    {
      cwd: root,
      env: { PATH: process.env['PATH'] },
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  if (signal !== 'SIGKILL') throw new Error(stderr)
  return { ...database, wal: `${database.options.file}-wal` }
}

function overwrite(path: string, at: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(64, 0x5a), 0, 64, at)
  closeSync(file)
}

/** A place in the content of a page, not in the frame around it, where the file says what a commit is. */
function inPage(wal: string, part: number): number {
  const [head, frame] = [32, 24 + readFileSync(wal).readUInt32BE(8)]
  return head + Math.floor(((statSync(wal).size - head) / frame) * part) * frame + 200
}

async function open({ options }: SqliteTestDatabase) {
  const errors: string[] = []
  const logger = { ...deps.logger, error: (_fields: object, text: string) => void errors.push(text) }
  await using store = await openStore(options, { ...deps, logger })
  await store.check()
  return { errors, names: (await store.read(listWorkspaces)).map(({ name }) => name) }
}

const copies = ({ folder }: SqliteTestDatabase): string[] =>
  readdirSync(folder).filter((name) => name.includes('damaged'))

it('what a killed program left is whole, and nothing is said', async () => {
  await using database = await killedWriter()
  expect(commitsAfterDamage(database.wal)).toBe(0)
  expect(await open(database)).toMatchObject({ errors: [], names: { length: COMMITS } })
  expect(copies(database)).toEqual([])
})

it('a torn end is no damage: the commit that was being written was never confirmed', async () => {
  await using database = await killedWriter()
  truncateSync(database.wal, statSync(database.wal).size - 1000)
  expect(commitsAfterDamage(database.wal)).toBe(0)
  const { errors, names } = await open(database)
  expect([errors, names.length]).toEqual([[], COMMITS - 1])
})

it('damage in the middle loses the commits behind it; that is said, and a copy is kept', async () => {
  await using database = await killedWriter()
  overwrite(database.wal, inPage(database.wal, 0.8))
  const damaged = readFileSync(database.wal)
  const lost = commitsAfterDamage(database.wal)
  expect(lost).toBeGreaterThan(1)
  const { errors, names } = await open(database)
  expect(names).toEqual(Array.from({ length: COMMITS - lost }, (_, n) => `w${n}`))
  const [copy = ''] = copies(database)
  expect(errors).toEqual([expect.stringContaining(copy)])
  expect(readFileSync(`${database.folder}/${copy}`).equals(damaged)).toBe(true)
})

it('a damaged head makes all of it damage', async () => {
  await using database = await killedWriter()
  const file = openSync(database.wal, 'r+')
  writeSync(file, Buffer.alloc(16, 0x5a), 0, 16, 16)
  closeSync(file)
  expect(commitsAfterDamage(database.wal)).toBeGreaterThanOrEqual(COMMITS)
})

it('no file, an empty one and one of something else are no damage', async () => {
  await using database = await sqlite.create()
  expect(commitsAfterDamage(`${database.options.file}-wal`)).toBe(0)
  for (const bytes of [0, 31, 500]) {
    const path = `${database.options.file}.${bytes}`
    const file = openSync(path, 'w')
    writeSync(file, Buffer.alloc(bytes, 1))
    closeSync(file)
    expect(commitsAfterDamage(path)).toBe(0)
  }
})
