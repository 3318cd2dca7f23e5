/**
 * Writes the log of one session.
 *
 * L1 Numbers messages from 1 without a gap; one batch at a time, so that order and numbers agree.
 * L2 A batch that the log could not commit is offered again until the session is given up: meanwhile the agent's
 *    output waits in its files.
 * L7 Masks secrets before anything leaves.
 * Every log begins with `start`, then the prompt, and nothing follows `finish`.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import { messageBody, type MessageBody, type Usage } from '../contract/messages.ts'
import type { SessionEnded } from '../engine/ports.ts'
import type { LogDraft, SessionLog } from '../log/types.ts'
import type { Draft, Progress } from '../plugin/host-io.ts'
import type { Redactor } from '../secrets/redact.ts'

const RETRY = { firstMs: 50, maxMs: 5000 }

export interface WriterDeps {
  readonly log: Pick<SessionLog, 'append' | 'delta'>
  readonly clock: Clock
  readonly logger: Logger
  readonly redactor: Redactor
}

export interface Opening {
  readonly sessionId: string
  readonly agent: string
  readonly workDir: string
  readonly prompt: string
  readonly lastSeq: number
  /** Called when the agent says which conversation it is. */
  readonly onStart: (start: { agentSessionId?: string | undefined }) => void
  /** Ends the attempts to write when the host goes. */
  readonly signal: AbortSignal
}

const toDraft = (body: MessageBody): LogDraft => ({ type: body.type, json: JSON.stringify(body) })

export class SessionWriter {
  readonly #deps: WriterDeps
  readonly #opening: Opening
  #nextSeq: number
  #tail: Promise<void> = Promise.resolve()
  #opened = false
  #finished = false
  #usage: Usage | undefined
  readonly #deltas: Record<'text' | 'thinking', ReturnType<Redactor['stream']>>

  constructor(deps: WriterDeps, opening: Opening) {
    this.#deps = deps
    this.#opening = opening
    this.#nextSeq = opening.lastSeq + 1
    this.#deltas = { text: deps.redactor.stream(), thinking: deps.redactor.stream() }
  }

  /** What the agent has last said of its use. */
  get usage(): Usage | undefined {
    return this.#usage
  }

  /** Settles after the commit. @throws TroupeError when the session was given up before. */
  append(drafts: readonly Draft[], progress?: Progress | SessionEnded): Promise<void> {
    const written = this.#tail.then(() => this.#write(drafts, progress))
    this.#tail = written.catch(() => {})
    return written
  }

  write(body: MessageBody): Promise<void> {
    return this.append([toDraft(body)])
  }

  /** The last message, with the report of the end in the same commit; later ones are dropped. */
  async finish(body: MessageBody, ended: SessionEnded): Promise<void> {
    await this.append([toDraft(body)], ended)
    this.#finished = true
  }

  delta(type: 'text' | 'thinking', content: string): void {
    const masked = this.#deltas[type].push(content)
    const { sessionId } = this.#opening
    if (masked !== '') this.#deps.log.delta({ sessionId, type, content: masked, delta: true })
  }

  async #write(drafts: readonly Draft[], progress: Progress | SessionEnded | undefined): Promise<void> {
    if (this.#finished || (drafts.length === 0 && progress === undefined)) return
    const all = this.#opened ? drafts : this.#open(drafts)
    this.#opened = true
    for (const draft of all) this.#note(draft)
    await this.#commit(all, progress)
  }

  /** Puts `start` and the prompt before what comes first. */
  #open(drafts: readonly Draft[]): LogDraft[] {
    const { agent, workDir, prompt } = this.#opening
    const [first, ...rest] = drafts
    const isStart = first?.type === 'start'
    const start = isStart ? first : toDraft({ type: 'start', agent, workDir })
    return [start, toDraft({ type: 'userMessage', content: prompt }), ...(isStart ? rest : drafts)]
  }

  #note(draft: LogDraft): void {
    if (draft.type !== 'start' && draft.type !== 'usage') return
    const body = messageBody.parse(JSON.parse(draft.json))
    if (body.type === 'start') this.#opening.onStart(body)
    if (body.type !== 'usage') return
    const { type: _, ...use } = body
    this.#usage = use
  }

  async #commit(drafts: readonly LogDraft[], progress: Progress | SessionEnded | undefined): Promise<void> {
    const { sessionId, signal } = this.#opening
    const batch = {
      sessionId,
      firstSeq: this.#nextSeq,
      at: this.#deps.clock.now(),
      drafts: drafts.map(({ type, json }) => ({ type, json: this.#deps.redactor.text(json) })),
      ...(progress && { progress: this.#deps.redactor.text(JSON.stringify(progress)) }),
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#deps.log.append(batch)
        this.#nextSeq += drafts.length
        return
      } catch (error) {
        if (!isPassing(error)) throw error
        this.#deps.logger.warn(
          { err: error, sessionId, attempt },
          'Messages could not be stored; they are kept and offered again.',
        )
        await sleep(backoffMs(RETRY, attempt), signal)
      }
    }
  }
}

/** A full disk or a locked database may be well again in a moment. */
const isPassing = (error: unknown): boolean =>
  error instanceof TroupeError && (error.code === 'STORE_BUSY' || error.code === 'STORE_FAILED')
