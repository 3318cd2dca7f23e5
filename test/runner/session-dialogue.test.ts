/** What is stored of a question, so that another thread or host has it as it was. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { KnownQuestion, PendingReport, SessionReport } from '../../core/engine/ports.ts'
import type { LogBatch } from '../../core/log/types.ts'
import type { Reporter } from '../../core/runner/reporter.ts'
import { questionIdOf } from '../../core/runner/questions.ts'
import { SessionDialogue } from '../../core/runner/session-dialogue.ts'
import { SessionWriter } from '../../core/runner/session-writer.ts'
import { parseProgress, type StoredProgress } from '../../core/runner/stored-progress.ts'
import { makeRedactor } from '../../core/secrets/redact.ts'

const sessionId = newId()
const question = { kind: 'question', question: 'Which port?' } as const
const never = new AbortController().signal

/** Of a host that dies before a report arrives that `arrives` does not let through. */
interface BenchOptions {
  readonly progress?: StoredProgress
  readonly questions?: readonly KnownQuestion[]
  readonly arrives?: (report: SessionReport) => boolean
}

function openBench({ progress = {}, questions = [], arrives = () => true }: BenchOptions = {}) {
  const batches: LogBatch[] = []
  const delivered: PendingReport[] = []
  const report: Reporter['report'] = async (said, id = '') => {
    if (!arrives(said)) await new Promise(() => {})
    delivered.push({ id, report: said })
  }
  const reporter = { report, reportLater: report }
  const log = { append: async (batch: LogBatch) => void batches.push(batch), delta() {} }
  const deps = { log, clock: systemClock, logger: silentLogger, redactor: makeRedactor([]), reporter, signal: never }
  const opening = { sessionId, agent: 'test', workDir: '/w', prompt: 'do it', lastSeq: 2, progress }
  const writer = new SessionWriter(deps, opening)
  const agent = { excuses: 0, told: 0 }
  const silence = {
    heard: () => void (agent.told += 1),
    excuse: () => ((agent.excuses += 1), { [Symbol.dispose]: () => void (agent.excuses -= 1) }),
  }
  const dialogue = new SessionDialogue({ sessionId, writer, questions, silence })
  const stored = () => parseProgress(batches.findLast((batch) => batch.progress !== undefined)?.progress)
  return { writer, dialogue, delivered, agent, stored }
}

const toKnown = ({ report }: PendingReport): KnownQuestion[] =>
  report.type === 'asked' ? [{ id: report.question.questionId, status: 'pending' }] : []

const typesOf = (reports: readonly PendingReport[] | undefined) => reports?.map(({ report }) => report.type)

describe('a question', () => {
  test('excuses the silence of the agent until it is answered or withdrawn', async () => {
    const { dialogue, delivered, agent } = openBench()
    const withdraw = new AbortController()
    const first = dialogue.ask({ key: 'a', ...question }, withdraw.signal)
    const second = dialogue.ask({ key: 'b', ...question }, never)
    await expect.poll(() => delivered.length).toBe(2)
    expect(agent.excuses).toBe(2)
    withdraw.abort()
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    expect(agent.excuses).toBe(1)
    await dialogue.answer({ questionId: questionIdOf(sessionId, 'b'), answer: 'yes', by: 'ada' })
    await expect(second).resolves.toBe('yes')
    expect(agent.excuses).toBe(0)
  })

  test('waits while many others are open, and is not shown when its asker has lost the session meanwhile', async () => {
    const { dialogue, delivered } = openBench()
    const answers = Array.from({ length: 100 }, (_, at) => dialogue.ask({ key: String(at), ...question }, never))
    const lost = Promise.allSettled(answers.slice(33))
    await expect.poll(() => delivered.length).toBe(32)
    await dialogue.answer({ questionId: questionIdOf(sessionId, '0'), answer: 'yes', by: 'ada' })
    expect(await answers[0]).toBe('yes')
    await expect.poll(() => delivered.length).toBe(33)
    dialogue.begin()
    for (let at = 1; at < 33; at++) {
      await dialogue.answer({ questionId: questionIdOf(sessionId, String(at)), answer: 'yes', by: 'ada' })
    }
    expect((await lost).map(({ status }) => status)).toEqual(Array(67).fill('rejected'))
    expect(delivered.length).toBe(33)
  })

  test('that is withdrawn while it waits is so at once, also for people whom an earlier host has shown it', async () => {
    const id = questionIdOf(sessionId, 'shown')
    const { dialogue, delivered, agent } = openBench({ questions: [{ id, status: 'pending' }] })
    const open = Array.from({ length: 32 }, (_, at) => dialogue.ask({ key: String(at), ...question }, never))
    const settled = Promise.allSettled(open)
    const withdraw = new AbortController()
    const waiting = ['shown', 'new'].map((key) => dialogue.ask({ key, ...question }, withdraw.signal))
    const lost = Promise.allSettled(waiting)
    await expect.poll(() => delivered.length).toBe(32)
    withdraw.abort()
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(agent.excuses).toBe(32)
    await expect.poll(() => delivered.at(32)?.report).toEqual({ type: 'withdrawn', questionId: id })
    dialogue.close()
    await settled
    expect(delivered.filter(({ report }) => report.type === 'asked').length).toBe(32)
  })

  test('that is withdrawn is so for the next host too, which people hear of then', async () => {
    const bench = openBench({ arrives: ({ type }) => type !== 'withdrawn' })
    const withdraw = new AbortController()
    const answer = bench.dialogue.ask({ key: 'a', ...question }, withdraw.signal)
    await expect.poll(() => typesOf(bench.delivered)).toEqual(['asked'])
    withdraw.abort()
    await expect(answer).rejects.toMatchObject({ code: 'ABORTED' })
    await bench.writer.settled()
    expect(typesOf(bench.stored().reports)).toContain('withdrawn')

    const next = openBench({ progress: bench.stored(), questions: bench.delivered.flatMap(toKnown) })
    await next.writer.redeliver()
    expect(typesOf(next.delivered)).toContain('withdrawn')
    await expect(next.dialogue.ask({ key: 'a', ...question }, never)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('without a key is withdrawn when another thread goes on; one with a key stays open', async () => {
    const bench = openBench()
    const keyless = bench.dialogue.ask(question, never)
    const keyed = bench.dialogue.ask({ key: 'a', ...question }, never)
    await expect.poll(() => typesOf(bench.delivered)).toEqual(['asked', 'asked'])
    const [, second] = bench.delivered
    bench.dialogue.begin()
    await expect(keyless).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => typesOf(bench.delivered)).toEqual(['asked', 'asked', 'withdrawn'])
    const questionId = second?.report.type === 'asked' ? second.report.question.questionId : ''
    await bench.dialogue.answer({ questionId, answer: '80', by: 'x' })
    expect(await keyed).toBe('80')
  })
})

describe('a message', () => {
  const message = { id: newId(), content: 'and docs' }
  const ended = { type: 'ended', outcome: 'completed' } as const
  const closing = { type: 'complete', success: true, durationMs: 1 } as const

  test('that was taken is known to be when the session is over, also to this host', async () => {
    const bench = openBench()
    expect(await bench.dialogue.send(message)).toBe(true)
    expect(bench.agent.told).toBe(1)
    bench.dialogue.close()
    await bench.writer.finish(closing, ended)
    expect(bench.stored()).toMatchObject({ ended, taken: message.id })
    expect(await bench.dialogue.send(message)).toBe(true)
  })

  test('that came too late is not taken for heard, though it is in the log', async () => {
    const bench = openBench()
    const sent = bench.dialogue.send(message)
    bench.dialogue.close()
    expect(await sent).toBe(false)
    await bench.writer.finish(closing, ended)
    expect(bench.stored().taken).toBeUndefined()
    expect(await bench.dialogue.send(message)).toBe(false)
  })
})
