/** The least code that stores messages as safely as the log: one prepared statement, a transaction for each batch. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSample } from '../../store/sample.ts'

export interface RawLog extends AsyncDisposable {
  /** Stores `count` messages in transactions of `batch`, each of one session. */
  append(count: number, batch: number): void
}

export interface RawLogOptions {
  readonly body: string
  /** Batches are of one session each, and the sessions take turns. Default 1. */
  readonly sessions?: number
}

/** A database of its own with the schema of the store, and sessions in it. */
export async function openRawLog({ body, sessions = 1 }: RawLogOptions): Promise<RawLog> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  const file = join(folder, 'raw.db')
  const database = { options: { driver: 'sqlite' as const, file }, async [Symbol.asyncDispose]() {} }
  const sample = await openSample({ driver: 'sqlite', create: async () => database })
  const sessionIds: string[] = []
  while (sessionIds.length < sessions) sessionIds.push(await sample.addSessionId())
  await sample[Symbol.asyncDispose]()
  const { append, close } = openInserter(file, sessionIds, body)
  return {
    append,
    async [Symbol.asyncDispose]() {
      close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function openInserter(file: string, sessionIds: readonly string[], body: string) {
  const database = new DatabaseSync(file)
  database.exec('pragma synchronous = full; pragma foreign_keys = on')
  const statement = database.prepare('insert into message (session_id, seq, type, at, body) values (?, ?, ?, ?, ?)')
  const sessions = sessionIds.map((sessionId) => ({ sessionId, last: 0 }))
  const append = (count: number, batch: number): void => {
    for (let stored = 0; stored < count; stored += batch) {
      const session = sessions[(stored / batch) % sessions.length]
      if (session) appendBatch(session, batch)
    }
  }
  const appendBatch = (session: { readonly sessionId: string; last: number }, batch: number): void => {
    database.exec('begin immediate')
    const at = new Date().toISOString()
    for (let index = 0; index < batch; index += 1)
      statement.run(session.sessionId, (session.last += 1), 'text', at, body)
    database.exec('commit')
  }
  return { append, close: () => database.close() }
}
