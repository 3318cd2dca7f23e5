/** Messages appended to the log and delivered, as a ratio to bare inserts into the same tables in the same run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import type { LogDraft } from '../../core/log/types.ts'
import { openSample, type Sample } from '../store/sample.ts'
import type { Row } from './runner/row.ts'

const BATCH = 500
const MESSAGES = 20_000
const ROUNDS = 7
const BODY = JSON.stringify({
  type: 'text',
  content: 'A line as agents print them, "quoted" now and then.\n'.repeat(4),
})

/** Both take turns, so that noise of the machine meets both. */
export async function benchLog(): Promise<Row[]> {
  await using folder = await temporaryFolder()
  const open = async (name: string) => {
    const file = join(folder.path, name)
    const database = { options: { driver: 'sqlite' as const, file }, async [Symbol.asyncDispose]() {} }
    return { file, sample: await openSample({ driver: 'sqlite', create: async () => database }) }
  }
  const bare = await open('bare.db')
  const bareSession = await bare.sample.addSessionId()
  await bare.sample[Symbol.asyncDispose]()
  using inserter = openInserter(bare.file, bareSession)
  await using own = (await open('log.db')).sample
  const rows: Row[] = []
  for (const subscribers of [1, 10]) {
    const name = `append and deliver, batches of ${BATCH}, ${subscribers} subscriber(s)`
    const rates = await compare(() => appendAndDeliver(own, subscribers), inserter.insert)
    rows.push({ name, unit: 'messages/s', ...rates, ...(subscribers === 1 && { goal: '>= 0.5' }) })
  }
  return rows
}

async function compare(own: () => Promise<void>, bare: () => void) {
  const pairs: { value: number; baseline: number; ratio: number }[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const baseline = rate(await time(async () => bare()))
    const value = rate(await time(own))
    if (round > 0) pairs.push({ value, baseline, ratio: value / baseline })
  }
  const median = (of: (pair: (typeof pairs)[number]) => number) =>
    pairs.map(of).toSorted((a, b) => a - b)[Math.floor(pairs.length / 2)] ?? 0
  return {
    value: median((pair) => pair.value),
    baseline: median((pair) => pair.baseline),
    ratio: median((pair) => pair.ratio),
  }
}

const rate = (ms: number): number => (MESSAGES / ms) * 1000

async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** As an agent that prints all the time: the next batch is offered while the one before is being written. */
async function appendAndDeliver(sample: Sample, subscribers: number): Promise<void> {
  const sessionId = await sample.addSessionId()
  const { store } = sample
  await using log = openSessionLog({ store, clock: systemClock, logger: silentLogger })
  const deliveries = Array.from({ length: subscribers }, () => Promise.withResolvers<void>())
  for (const delivery of deliveries) {
    const entries = async (page: readonly { seq: number }[]) => {
      if (page.at(-1)?.seq === MESSAGES) delivery.resolve()
    }
    log.subscribe({ sessionId, after: 0 }, { entries, ended() {} })
  }
  const drafts = Array.from({ length: BATCH }, (): LogDraft => ({ type: 'text', json: BODY }))
  let before: Promise<void> = Promise.resolve()
  for (let firstSeq = 1; firstSeq <= MESSAGES; firstSeq += BATCH) {
    const appended = log.append({ sessionId, firstSeq, at: Date.now(), drafts })
    await before
    before = appended
  }
  await before
  await Promise.all(deliveries.map((delivery) => delivery.promise))
}

/** The least code that stores messages as safely: one prepared statement, a transaction for each batch. */
function openInserter(file: string, sessionId: string) {
  const database = new DatabaseSync(file)
  database.exec('pragma synchronous = full; pragma foreign_keys = on')
  const statement = database.prepare('insert into message (session_id, seq, type, at, body) values (?, ?, ?, ?, ?)')
  let seq = 0
  const insert = () => {
    for (let stored = 0; stored < MESSAGES; stored += BATCH) {
      database.exec('begin immediate')
      const at = new Date().toISOString()
      for (let index = 0; index < BATCH; index += 1) statement.run(sessionId, (seq += 1), 'text', at, BODY)
      database.exec('commit')
    }
  }
  return { insert, [Symbol.dispose]: () => database.close() }
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'bench-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
