import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { TroupeError } from '../../core/base/errors.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { PendingReport } from '../../core/engine/ports.ts'
import type { LogBatch, SessionLog } from '../../core/log/types.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { isOwnWord } from '../../core/runner/own-words.ts'
import type { Reporter } from '../../core/runner/reporter.ts'
import { SessionWriter } from '../../core/runner/session-writer.ts'
import { makeRedactor, type Secret } from '../../core/secrets/redact.ts'
import {
  parseProgress,
  type StoredProgress,
  withFollowUp,
  withProgress,
  withoutFollowUp,
} from '../../core/runner/stored-progress.ts'
import { readMessages } from '../../core/store/messages.ts'
import { getProgress } from '../../core/store/progress.ts'
import { sqlite } from '../helpers/databases.ts'
import { openSample } from '../store/sample.ts'

const draft = (type: 'text' | 'start' | 'usage', fields: object) => ({
  type,
  json: JSON.stringify({ type, ...fields }),
})

async function openBench(
  wrap: (log: SessionLog) => Pick<SessionLog, 'append' | 'delta'> = (log) => log,
  secrets: readonly Secret[] = [{ name: 'KEY', value: 'very-secret' }],
) {
  const opened = new AsyncDisposableStack()
  const sample = opened.use(await openSample(sqlite))
  const log = opened.use(openSessionLog({ store: sample.store, clock: systemClock, logger: silentLogger }))
  const sessionId = await sample.addSessionId()
  const delivered: PendingReport[] = []
  const givenUp = new AbortController()
  const redactor = makeRedactor(secrets, isOwnWord)
  const report: Reporter['report'] = async (said, id = '') => void delivered.push({ id, report: said })
  const reporter = { report, reportLater: report }
  const deps = { clock: systemClock, logger: silentLogger, redactor, reporter, signal: givenUp.signal }
  const open = (lastSeq: number, progress: StoredProgress) =>
    new SessionWriter(
      { ...deps, log: wrap(log) },
      { sessionId, agent: 'test', workDir: '/w', prompt: 'do it', lastSeq, progress },
    )
  const stored = async () => parseProgress(await sample.store.read((tx) => getProgress(tx, sessionId)))
  const messages = async () => {
    const entries = await sample.store.read((tx) =>
      readMessages(tx, { sessionId, after: 0, limit: 100, maxBytes: 1e6 }),
    )
    return entries.map(({ json }) => JSON.parse(json) as { seq: number; type: string; content?: string })
  }
  return {
    writer: open(0, {}),
    open,
    stored,
    messages,
    delivered,
    givenUp,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

describe('the writer of a session', () => {
  test('begins every log with start, then the prompt', async () => {
    await using bench = await openBench()
    await bench.writer.append([draft('text', { content: 'hi' })])
    expect(await bench.messages()).toMatchObject([
      { seq: 1, type: 'start', agent: 'test' },
      { seq: 2, type: 'userMessage', content: 'do it' },
      { seq: 3, type: 'text', content: 'hi' },
    ])
  })

  test("takes the agent's own start when it comes first, and tells of its conversation", async () => {
    await using bench = await openBench()
    await bench.writer.append([
      draft('start', { agent: 'test', agentSessionId: 'c1', workDir: '/w' }),
      draft('text', { content: 'hi' }),
    ])
    expect((await bench.messages()).map(({ type }) => type)).toEqual(['start', 'userMessage', 'text'])
    expect(bench.delivered).toMatchObject([{ report: { type: 'started', agentSessionId: 'c1' } }])
  })

  test('numbers without a gap whoever writes at the same time, and nothing follows the end (L1)', async () => {
    await using bench = await openBench()
    const many = Array.from({ length: 50 }, (_, n) => bench.writer.append([draft('text', { content: String(n) })]))
    await Promise.all(many)
    const ended = { type: 'ended', outcome: 'completed' } as const
    await bench.writer.finish({ type: 'complete', success: true, durationMs: 1 }, ended)
    await bench.writer.append([draft('text', { content: 'too late' })])
    const messages = await bench.messages()
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index + 1))
    expect(messages.slice(2, -1).map(({ content }) => content)).toEqual(many.map((_, n) => String(n)))
    expect(messages.at(-1)).toMatchObject({ type: 'complete' })
  })

  test('keeps with the end what is not known to be delivered, or may be delivered again, and nothing else', async () => {
    await using bench = await openBench()
    const pending = { id: 'started:1', report: { type: 'started', agentSessionId: 'c1' } } as const
    const writer = bench.open(0, { reports: [pending], taken: 'm', checkpoint: 1 })
    const ended = { type: 'ended', outcome: 'completed' } as const
    await writer.finish({ type: 'complete', success: true, durationMs: 1 }, ended)
    expect(await bench.stored()).toEqual({ ended, reports: [pending], taken: 'm' })
  })

  test('masks secrets in messages and in the prompt (L7)', async () => {
    await using bench = await openBench()
    await bench.writer.append([draft('text', { content: 'the key is very-secret' })])
    expect((await bench.messages())[2]?.content).toBe('the key is [secret KEY]')
  })

  test.each(['content', 'toolUse', 'stdout', 'checkp', 'withdrawn', 'completed', 'AGENT_IDLE'])(
    'leaves readable what it writes when the value of a secret is a word of its own: %s',
    async (value) => {
      const secrets = [
        { name: 'DUMMY', value },
        { name: 'KEY', value: 'very-secret' },
      ]
      await using bench = await openBench(undefined, secrets)
      const tool = { toolUseId: 't', toolName: 'Bash', input: { content: 'very-secret' }, kind: 'command' } as const
      const progress = { offsets: [{ stdout: 1, stderr: 0 }], checkpoint: { note: 'very-secret' } }
      await bench.writer.write({ type: 'toolUse', ...tool }, withProgress(progress))
      expect(await bench.messages()).toMatchObject([
        { type: 'start' },
        { type: 'userMessage', content: 'do it' },
        { type: 'toolUse', ...tool, input: { content: '[secret KEY]' } },
      ])
      expect(await bench.stored()).toMatchObject({ ...progress, checkpoint: { note: '[secret KEY]' } })
      const error = { code: 'AGENT_IDLE', message: 'It was quiet.' } as const
      const reports = [{ id: 'w', report: { type: 'withdrawn', questionId: 'q' } }] as const
      const ended = { type: 'ended', outcome: 'completed', error } as const
      await bench.open(3, { reports }).finish({ type: 'error', ...error }, ended)
      expect((await bench.messages()).at(-1)).toMatchObject({ type: 'error', ...error })
      expect(await bench.stored()).toEqual({ ended, reports })
    },
  )

  test('keeps a batch that the database refuses and offers it again, in its order (L2)', async () => {
    let refusals = 3
    const flaky = (log: SessionLog) => ({
      delta: (delta: Parameters<SessionLog['delta']>[0]) => log.delta(delta),
      async append(batch: LogBatch) {
        refusals -= 1
        if (refusals >= 0) throw new TroupeError('STORE_FAILED', 'The disk is full.')
        await log.append(batch)
      },
    })
    await using bench = await openBench(flaky)
    await Promise.all(['a', 'b'].map((content) => bench.writer.append([draft('text', { content })])))
    expect((await bench.messages()).map(({ content }) => content)).toEqual([undefined, 'do it', 'a', 'b'])
  })

  test('gives up what waits for the database when the host goes', async () => {
    const full = () => ({ delta() {}, append: () => Promise.reject(new TroupeError('STORE_FAILED', 'full')) })
    await using bench = await openBench(full)
    const waiting = bench.writer.append([draft('text', { content: 'a' })])
    bench.givenUp.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('stores what a message changes with it, what was only noted with the next change, and nothing of what failed', async () => {
    let refuse = false
    const moody = (log: SessionLog) => ({
      delta() {},
      append: (batch: LogBatch) => (refuse ? Promise.reject(new Error('not now')) : log.append(batch)),
    })
    await using bench = await openBench(moody)
    const { writer } = bench
    await writer.write({ type: 'userMessage', content: 'and docs' }, withFollowUp({ id: 'm', content: 'and docs' }))
    expect(await bench.stored()).toMatchObject({ taken: 'm', followUps: [{ id: 'm', content: 'and docs' }] })
    writer.note(withoutFollowUp('m'))
    refuse = true
    const lost = writer.append([draft('text', { content: 'a' })], withProgress({ offsets: [], checkpoint: 1 }))
    await expect(lost).rejects.toThrow('not now')
    expect(writer.progress.checkpoint).toBe(undefined)
    refuse = false
    await writer.append([draft('text', { content: 'b' })], withProgress({ offsets: [], checkpoint: 2 }))
    expect(await bench.stored()).toMatchObject({ taken: 'm', followUps: [], checkpoint: 2 })
  })

  test('goes on with a log that an earlier host began, and delivers what that host may not have', async () => {
    await using bench = await openBench()
    const pending = { id: 'asked:q', report: { type: 'withdrawn', questionId: 'q' } } as const
    await bench.writer.append([draft('text', { content: 'a' })])
    const next = bench.open(3, { reports: [pending] })
    await next.redeliver()
    expect(bench.delivered.at(-1)).toEqual(pending)
    expect(next.progress.reports).toEqual([])
    await next.append([draft('text', { content: 'b' })])
    expect((await bench.messages()).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'start'],
      [2, 'userMessage'],
      [3, 'text'],
      [4, 'text'],
    ])
  })
})
