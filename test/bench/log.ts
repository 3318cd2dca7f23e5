/** Messages appended to the log and delivered, as a ratio to bare inserts into the same tables in the same run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import type { LogDraft } from '../../core/log/types.ts'
import { openSample, type Sample } from '../store/sample.ts'
import { openRawLog } from './runner/raw-log.ts'
import { atLeast, type Row } from './runner/row.ts'
import { alternate, timed } from './runner/statistics.ts'

const BATCH = 500
const MESSAGES = 20_000
const ROUNDS = 7
const BODY = JSON.stringify({
  type: 'text',
  content: 'A line as agents print them, "quoted" now and then.\n'.repeat(4),
})

/** Both take turns, so that noise of the machine meets both. */
export async function benchLog(): Promise<Row[]> {
  await using opened = new AsyncDisposableStack()
  const raw = opened.use(await openRawLog({ body: BODY }))
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const options = { driver: 'sqlite' as const, file: join(folder, 'log.db') }
  const database = { options, async [Symbol.asyncDispose]() {} }
  const own = opened.use(await openSample({ driver: 'sqlite', create: async () => database }))
  const rows: Row[] = []
  for (const subscribers of [1, 10]) {
    const deliver = () => timed(() => appendAndDeliver(own, subscribers))
    const insert = () => timed(() => raw.append(MESSAGES, BATCH))
    const times = await alternate({ rounds: ROUNDS }, deliver, insert)
    rows.push({
      name: `the log alone, ${subscribers} subscriber(s)`,
      unit: 'messages/s',
      value: perSecond(times.value),
      baseline: perSecond(times.baseline),
      ratio: 1 / times.ratio,
      ...(subscribers === 1 && { goals: [atLeast('ratio', 0.5)] }),
      how: `${MESSAGES.toLocaleString('en')} messages appended in batches of ${BATCH} and delivered in the same process, against bare inserts`,
    })
  }
  return rows
}

const perSecond = (ms: number): number => (MESSAGES / ms) * 1000

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
