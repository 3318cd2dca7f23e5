/**
 * Writes the log of one session, and what is stored of the session beside it.
 *
 * L1 Numbers messages from 1 without a gap; one batch at a time, so that order and numbers agree.
 * L2 A batch that the log could not commit is offered again until the session is given up: meanwhile the agent's
 *    output waits in its files.
 * L7 Masks secrets before anything leaves.
 * W1 Every log begins with `start`, then the prompt, and nothing follows `finish`.
 * W2 A change of the stored progress counts once it is committed, with the messages that it came with.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import { messageBody, type MessageBody } from '../contract/messages.ts'
import type { PendingReport, SessionEnded } from '../engine/ports.ts'
import type { LogDraft, SessionLog } from '../log/types.ts'
import type { Draft } from '../plugin/host-io.ts'
import type { Redactor } from '../secrets/redact.ts'
import type { Reporter } from './reporter.ts'
import { type Change, type StoredProgress, withEnd, withReport, withUsage, withoutReport } from './stored-progress.ts'

const RETRY = { firstMs: 50, maxMs: 5000 }

export interface WriterDeps {
  readonly log: Pick<SessionLog, 'append' | 'delta'>
  readonly clock: Clock
  readonly logger: Logger
  readonly redactor: Redactor
  readonly reporter: Pick<Reporter, 'report' | 'reportLater'>
  /** Ends the attempts to write when the host goes. */
  readonly signal: AbortSignal
}

export interface Opening {
  readonly sessionId: string
  readonly agent: string
  readonly workDir: string
  readonly prompt: string
  /** What the log has of an earlier host. */
  readonly lastSeq: number
  readonly progress: StoredProgress
}

export const toDraft = (body: MessageBody): LogDraft => ({ type: body.type, json: JSON.stringify(body) })

export class SessionWriter {
  readonly #deps: WriterDeps
  readonly #opening: Opening
  #lastSeq: number
  #progress: StoredProgress
  #tail: Promise<void> = Promise.resolve()
  #finished = false
  readonly #deltas: Partial<Record<'text' | 'thinking', ReturnType<Redactor['stream']>>> = {}

  constructor(deps: WriterDeps, opening: Opening) {
    this.#deps = deps
    this.#opening = opening
    this.#lastSeq = opening.lastSeq
    this.#progress = opening.progress
  }

  /** Nothing was written yet. */
  get empty(): boolean {
    return this.#lastSeq === 0
  }

  /** What is committed, and noted to be. */
  get progress(): StoredProgress {
    return this.#progress
  }

  /** Settles after the commit. @throws TroupeError when the session was given up before. */
  append(drafts: readonly Draft[], change?: Change): Promise<void> {
    const written = this.#tail.then(() => this.#write(drafts, change))
    this.#tail = written.catch(() => {})
    return written
  }

  write(body: MessageBody, change?: Change): Promise<void> {
    return this.append([toDraft(body)], change)
  }

  /** Commits what is to be reported, with the message that it is about if there is one; settles when it is reported. */
  async report(pending: PendingReport, body?: MessageBody): Promise<void> {
    await this.append(body ? [toDraft(body)] : [], withReport(pending))
    faultPoint('runner.question-written')
    await this.#deliver(pending)
  }

  /** Delivers what an earlier host may not have. */
  async redeliver(): Promise<void> {
    await Promise.all((this.#progress.reports ?? []).map((pending) => this.#deliver(pending)))
  }

  /** A change that is written with the next one. */
  note(change: Change): void {
    this.#progress = change(this.#progress)
  }

  /** What is written from now on comes after this work, which never rejects. */
  after(work: Promise<void>): void {
    this.#tail = this.#tail.then(() => work)
  }

  /** The last message, with the report of the end in the same commit; later ones are dropped. */
  async finish(body: MessageBody, ended: SessionEnded['ended']): Promise<void> {
    await this.append([toDraft(body)], withEnd(ended))
    this.#finished = true
  }

  /** Settles when nothing is being written. */
  settled(): Promise<void> {
    return this.#tail
  }

  delta(type: 'text' | 'thinking', content: string): void {
    const masked = (this.#deltas[type] ??= this.#deps.redactor.stream()).push(content)
    const { sessionId } = this.#opening
    if (masked !== '') this.#deps.log.delta({ sessionId, type, content: masked, delta: true })
  }

  async #write(drafts: readonly Draft[], change: Change | undefined): Promise<void> {
    if (this.#finished || (drafts.length === 0 && change === undefined)) return
    const all = this.empty ? this.#open(drafts) : drafts
    const started = this.#started(drafts, change)
    const changes = [change, started && withReport(started), usageOf(all)].filter((each) => each !== undefined)
    await this.#commit(all, changes)
    for (const each of changes) this.note(each) // W2
    if (started) void this.#deliver(started, 'later')
  }

  /** Puts `start` and the prompt before what comes first. */
  #open(drafts: readonly Draft[]): LogDraft[] {
    const { agent, workDir, prompt } = this.#opening
    const [first, ...rest] = drafts
    const isStart = first?.type === 'start'
    const start = isStart ? first : toDraft({ type: 'start', agent, workDir })
    return [start, toDraft({ type: 'userMessage', content: prompt }), ...(isStart ? rest : drafts)]
  }

  /**
   * That the agent has begun, or says which conversation it is. What people or the host say first does not count: an agent
   * that has not begun was told nothing, and must be told again.
   */
  #started(drafts: readonly LogDraft[], change: Change | undefined): PendingReport | undefined {
    const begins = this.#progress.offsets === undefined && change?.(this.#progress).offsets !== undefined
    const start = drafts.find(({ type }) => type === 'start')
    if (!begins && !start) return undefined
    const body = start && messageBody.parse(JSON.parse(start.json))
    const agentSessionId = body?.type === 'start' ? body.agentSessionId : undefined
    return { id: `started:${this.#lastSeq + 1}`, report: { type: 'started', agentSessionId } }
  }

  async #deliver({ id, report }: PendingReport, when: 'now' | 'later' = 'now'): Promise<void> {
    const { reporter, signal } = this.#deps
    await (when === 'now' ? reporter.report(report, id) : reporter.reportLater(report, id))
    // A host that gave up does not know; the next one delivers it.
    if (!signal.aborted) this.note(withoutReport(id))
  }

  async #commit(drafts: readonly LogDraft[], changes: readonly Change[]): Promise<void> {
    const { redactor, clock, log, logger, signal } = this.#deps
    const { sessionId } = this.#opening
    const progress = changes.reduce((stored, change) => change(stored), this.#progress)
    const batch = {
      sessionId,
      firstSeq: this.#lastSeq + 1,
      at: clock.now(),
      drafts: drafts.map(({ type, json }) => ({ type, json: redactor.jsonText(json) })),
      ...(changes.length > 0 && { progress: redactor.jsonText(JSON.stringify(progress)) }),
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        await log.append(batch)
        this.#lastSeq += drafts.length
        return
      } catch (error) {
        if (!isPassing(error)) throw error
        logger.warn(
          { err: error, sessionId, attempt },
          'Messages could not be stored; they are kept and offered again.',
        )
        await sleep(backoffMs(RETRY, attempt), signal)
      }
    }
  }
}

function usageOf(drafts: readonly LogDraft[]): Change | undefined {
  const last = drafts.findLast(({ type }) => type === 'usage')
  const body = last && messageBody.parse(JSON.parse(last.json))
  if (body?.type !== 'usage') return undefined
  const { type: _, ...usage } = body
  return withUsage(usage)
}

/** A full disk or a locked database may be well again in a moment. */
const isPassing = (error: unknown): boolean =>
  error instanceof TroupeError && (error.code === 'STORE_BUSY' || error.code === 'STORE_FAILED')
