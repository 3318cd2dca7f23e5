/** Bytes that the log writes for each byte logged: a count, so CI holds it too. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import type { LogDraft } from '../../core/log/types.ts'
import { openSample } from '../store/sample.ts'
import { bytesWrittenBy } from './runner/process-figures.ts'
import { atMost, type Row } from './runner/row.ts'

const BATCH = 20
const BATCHES = 500
const BODY = JSON.stringify({ type: 'text', content: 'A line as agents print them, with some words in it. '.repeat(9) })
const PROGRESS = JSON.stringify({ offsets: [{ stdout: 1_000_000, stderr: 0 }], checkpoint: { started: true } })

export async function benchBytesWritten(): Promise<Row[]> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const options = { driver: 'sqlite' as const, file: join(folder, 'troupe.db') }
  const database = { options, async [Symbol.asyncDispose]() {} }
  const sample = opened.use(await openSample({ driver: 'sqlite', create: async () => database }))
  const sessionId = await sample.addSessionId()
  const log = openSessionLog({ store: sample.store, clock: systemClock, logger: silentLogger, flushMs: 0 })
  opened.use(log)
  const drafts = Array.from({ length: BATCH }, (): LogDraft => ({ type: 'text', json: BODY }))
  const before = bytesWrittenBy(process.pid)
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await log.append({ sessionId, firstSeq: batch * BATCH + 1, at: Date.now(), drafts, progress: PROGRESS })
  }
  const written = bytesWrittenBy(process.pid) - before
  const logged = BATCHES * BATCH * BODY.length
  return [
    {
      name: `bytes written for each byte logged, batches of ${BATCH}`,
      unit: 'bytes',
      value: written / logged,
      goals: [atMost('value', 12)],
      exact: true,
      how: `\`wchar\` of /proc/self/io (what its write calls took, on any file system) over ${BATCHES} commits of ${BATCH} messages of ${BODY.length} bytes, each with its progress`,
    },
  ]
}
