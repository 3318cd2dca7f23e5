/** The least code that stores messages as safely as the log: one prepared statement, a transaction for each batch. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSample } from '../../store/sample.ts'

export interface RawLog extends AsyncDisposable {
  /** Stores `count` messages in transactions of `batch`. */
  append(count: number, batch: number): void
}

/** A database of its own with the schema of the store, and one session in it. */
export async function openRawLog(body: string): Promise<RawLog> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  const file = join(folder, 'raw.db')
  const database = { options: { driver: 'sqlite' as const, file }, async [Symbol.asyncDispose]() {} }
  const sample = await openSample({ driver: 'sqlite', create: async () => database })
  const sessionId = await sample.addSessionId()
  await sample[Symbol.asyncDispose]()
  const { append, close } = openInserter(file, sessionId, body)
  return {
    append,
    async [Symbol.asyncDispose]() {
      close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function openInserter(file: string, sessionId: string, body: string) {
  const database = new DatabaseSync(file)
  database.exec('pragma synchronous = full; pragma foreign_keys = on')
  const statement = database.prepare('insert into message (session_id, seq, type, at, body) values (?, ?, ?, ?, ?)')
  let seq = 0
  const append = (count: number, batch: number): void => {
    for (let stored = 0; stored < count; stored += batch) {
      database.exec('begin immediate')
      const at = new Date().toISOString()
      for (let index = 0; index < batch; index += 1) statement.run(sessionId, (seq += 1), 'text', at, body)
      database.exec('commit')
    }
  }
  return { append, close: () => database.close() }
}
