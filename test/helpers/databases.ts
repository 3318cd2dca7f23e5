/**
 * Real databases for tests: SQLite in a folder of its own, and PostgreSQL, one cluster per test file, on 127.0.0.1.
 * Each test gets a database of its own.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import type { StoreOptions } from '../../core/store/store.ts'
import { loadEmbeddedPostgres } from './embedded-postgres.ts'
import { requires } from './requirement.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly options: StoreOptions
}

export interface Databases {
  readonly driver: StoreOptions['driver']
  /** A fresh, empty database. */
  create(): Promise<TestDatabase>
}

/** Declares the same tests for every database. Without PostgreSQL its half is skipped with the reason, in CI it fails. */
export async function describeEachDatabase(title: string, tests: (databases: Databases) => void): Promise<void> {
  describe(`${title}, on SQLite`, () => tests(sqlite))
  await describePostgres(`${title}, on PostgreSQL`, tests)
}

/** Declares tests that only PostgreSQL has. */
export async function describePostgres(title: string, tests: (databases: PostgresDatabases) => void): Promise<void> {
  const cluster = await clusterOfThisFile()
  const unavailable = cluster instanceof Error ? cluster.message : undefined
  const describeWithPostgres = await requires('PostgreSQL', () => unavailable)
  describeWithPostgres(title, () => {
    if (!(cluster instanceof Error)) tests(cluster)
  })
}

let started: Promise<Cluster | Error> | undefined

/** Started once in a test file, ended after its last test. */
function clusterOfThisFile(): Promise<Cluster | Error> {
  started ??= startCluster().then(
    (cluster) => {
      afterAll(() => cluster[Symbol.asyncDispose]())
      return cluster
    },
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  return started
}

/** Small and fast: these databases need not outlive a crash. */
const SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'autovacuum=off',
  'shared_buffers=16MB',
  'max_connections=60',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
]

export interface SqliteTestDatabase extends TestDatabase {
  readonly options: StoreOptions & { readonly driver: 'sqlite' }
  /** The folder that holds the database and nothing else. */
  readonly folder: string
}

export const sqlite = {
  driver: 'sqlite' as const,
  async create(): Promise<SqliteTestDatabase> {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-test-store-'))
    return {
      options: { driver: 'sqlite', file: join(folder, 'troupe.db') },
      folder,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    }
  },
}

type PostgresOptions = StoreOptions & { readonly driver: 'postgresql' }

export interface PostgresDatabases extends Databases {
  create(): Promise<TestDatabase & { readonly options: PostgresOptions }>
}

type Cluster = PostgresDatabases & AsyncDisposable

/** The port that was free may be taken by another program before the server listens: then another one is tried. */
async function startCluster(triesLeft = 2): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-test-postgres-'))
  const port = await freePort()
  const password = randomUUID()
  const log: string[] = []
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    password,
    persistent: false,
    // It does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      '--no-sync',
      '--wal-segsize=1',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ],
    postgresFlags: SETTINGS.flatMap((setting) => ['-c', setting]),
    onLog: (line) => void log.push(line),
    onError: (error) => void log.push(String(error)),
  })
  const end = async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    await end()
    if (triesLeft > 0) return startCluster(triesLeft - 1)
    throw new Error(`PostgreSQL did not start: ${String(cause)} ${log.slice(-3).join(' ')}`, { cause })
  }
  return {
    driver: 'postgresql',
    async create() {
      const name = `test_${randomUUID().replaceAll('-', '')}`
      await server.createDatabase(name)
      const url = `postgresql://postgres:${password}@127.0.0.1:${port}/${name}`
      return { options: { driver: 'postgresql', url }, [Symbol.asyncDispose]: () => server.dropDatabase(name) }
    },
    [Symbol.asyncDispose]: end,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
