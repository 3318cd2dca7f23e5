/**
 * Owns one running agent that speaks ACP: the steps from the greeting to the last turn, what is said to it, and when it is over.
 * C1 One request of ours is under way at a time. It is remembered and committed before it is written, so that no crash has it
 *    written twice. If a crash came between, the silence that follows tells: then it is made again (see `#doubt`).
 * C2 What people say while a turn runs is passed on when it ends, as the protocol wants it; the last turn is the one after which
 *    nothing waits.
 * C3 The program ends by us alone, and every wait for it has a bound, except for a turn: its silence is the host's to judge.
 * C4 What came too late is handed back with the end of the run.
 * C5 What is remembered changes together with the messages of a line.
 */
import {
  type AgentProcess,
  type FollowUp,
  type Exit,
  type JsonObject,
  type Listener,
  type OutputLine,
  type RunEnd,
  type Session,
  type SessionIo,
  Deadline,
  addToTail,
  asNumber,
  asObject,
  asString,
  bounded,
  toExitError,
  type ProgramNames,
} from 'troupe/plugin'
import { type Answered, type Remembered, type Stage, toCheckpoint } from './checkpoint.ts'
import { type Speaker, toEnd, toFailedSetup, toFailedTurn, tooLate } from './failure.ts'
import { type AcpProfile, firstPrompt, isQuestion, translate, usageOf } from './profile.ts'
import {
  type Incoming,
  isCancelled,
  notificationLine,
  readLine,
  refusalLine,
  requestLine,
  type RequestId,
} from './protocol.ts'
import { toolIdOf } from './permission.ts'
import { Questions, requestKind } from './questions.ts'
import { afterAnswer, greeting, type Step } from './setup.ts'
import {
  endTurn,
  type Heard,
  hearPermission,
  hearUpdate,
  message,
  refuseTool,
  type Spoken,
  withoutCost,
  withoutEcho,
} from './transcript.ts'

/** For each step before the first turn; some agents install what they need. */
const SETUP_MS = 120_000
/** After a crash: how long nothing may be heard of a request before it is made again. One before the first turn does no harm twice. */
const DOUBT_MS = { setup: 2000, turn: 10_000 }
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 3000
const CLOSE_MS = 2000
/** How long nothing of the past may be heard until it is over. */
const PAST_MS = 500
const LONGEST_STDERR_LINE = 4000

export interface ConversationParts {
  readonly process: AgentProcess
  /** Where the conversation begins, or goes on. */
  readonly from: Remembered
  readonly profile: AcpProfile
  readonly names: ProgramNames
}

export class Conversation implements Listener {
  readonly #session: Session
  readonly #io: SessionIo
  readonly #parts: ConversationParts
  readonly #questions: Questions
  readonly #deadline = new Deadline()
  #told: Remembered
  /** The session shall stop; asked for again when it is continued. */
  #stopping = false
  /** The turn is cancelled to begin it anew. */
  #doubting = false
  #over = false

  constructor(session: Session, io: SessionIo, parts: ConversationParts) {
    this.#session = session
    this.#io = io
    this.#parts = parts
    this.#told = parts.from
    this.#questions = new Questions({
      ask: (question, withdraw) => io.ask(question, withdraw),
      policy: () => ({
        ...session,
        ownEdits: this.#told.ownEdits,
        isQuestion: (toolCall) => isQuestion(parts.profile, session, toolCall),
      }),
      agentName: () => this.#speaker.name,
      toolName: (params) => this.#told.transcript.tools.find(({ id }) => id === toolIdOf(params))?.name,
      write: (line) => this.#write(line),
      refused: (params, wish) => this.#noteRefusal(params, wish),
      changed: () => this.#remember(),
    })
  }

  begin(): void {
    if (this.#session.checkpoint === undefined) return this.#proceed(greeting())
    for (const request of this.#parts.from.owed) void this.#questions.take(request)
    const { stage } = this.#told
    if (stage.kind === 'ending') this.#stopProcess()
    else if (stage.kind === 'opening' && stage.answered) this.#awaitPast(stage.answered)
    else if (this.#told.pending && !this.#told.heardSince) {
      this.#deadline.arm(DOUBT_MS[stage.kind === 'turn' ? 'turn' : 'setup'], () => this.#doubt())
    }
  }

  /** C1 */
  #step(stage: Stage, method: string, params: JsonObject): void {
    const requests = this.#told.requests + 1
    const pending = { id: `troupe-${requests}`, method, params }
    this.#told = { ...this.#told, stage, requests, pending, heardSince: false }
    this.#remember()
    const committed = this.#io.committed()
    void committed.then(() => this.#write(requestLine(pending))).catch((error: unknown) => this.#note(error))
    if (stage.kind === 'turn') this.#deadline.clear()
    else if (stage.kind !== 'ending')
      this.#deadline.arm(SETUP_MS, () => this.#end(tooLate(this.#parts.names, method, SETUP_MS / 1000)))
  }

  /** Nothing shows that the agent got the request. A prompt that it got nevertheless is cancelled first. */
  #doubt(): void {
    if (this.#told.stage.kind !== 'turn') return this.#repeat()
    this.#doubting = true
    this.#cancelTurn()
    this.#deadline.arm(INTERRUPT_MS, () => this.#repeat())
  }

  #repeat(): void {
    const { stage, pending } = this.#told
    this.#doubting = false
    if (pending) this.#step(stage, pending.method, pending.params)
  }

  hear({ stream, text }: OutputLine): void {
    const before = this.#told
    if (stream === 'stderr') this.#hearError(text)
    else this.#hearLine(text)
    if (this.#told !== before) this.#remember() // C5
  }

  #hearError(text: string): void {
    this.#told = { ...this.#told, stderr: addToTail(this.#told.stderr, text) }
    void this.#io.emit({ type: 'raw', stream: 'stderr', content: bounded(text, LONGEST_STDERR_LINE) })
  }

  #hearLine(text: string): void {
    if (!this.#told.heard) this.#told = { ...this.#told, heard: true }
    const line = readLine(text)
    if (!line) return text.trim() === '' ? undefined : this.#keep(text)
    switch (line.kind) {
      case 'notification':
        return this.#hearNotification(line, text)
      case 'request':
        return this.#hearRequest(line, text)
      default:
        return this.#hearAnswer(line)
    }
  }

  #hearNotification({ method, params }: Extract<Incoming, { kind: 'notification' }>, text: string): void {
    if (method === '$/cancel_request')
      return this.#withdraw(asString(params['requestId']) ?? asNumber(params['requestId']))
    const update = asObject(params['update'])
    if (method !== 'session/update' || !update) return this.#keep(text)
    const { stage } = this.#told
    if (stage.kind === 'opening') return stage.answered && this.#awaitPast(stage.answered)
    if (stage.kind === 'turn') this.#settleDoubt()
    const translated = translate(this.#parts.profile, update)
    if (translated) this.#say(hearUpdate(this.#told.transcript, translated))
  }

  #hearRequest({ id, method, params: said }: Extract<Incoming, { kind: 'request' }>, text: string): void {
    const kind = requestKind(method)
    if (!kind) {
      this.#keep(text)
      return void this.#write(refusalLine(id, method))
    }
    this.#settleDoubt()
    const toolCall = translate(this.#parts.profile, asObject(said['toolCall']) ?? {}) ?? {}
    const params = kind === 'permission' ? { ...said, toolCall } : said
    if (kind === 'permission') this.#say(hearPermission(this.#told.transcript, toolCall))
    void this.#questions.take({ id, kind, params })
    this.#remember()
  }

  #withdraw(id: RequestId | undefined): void {
    if (id === undefined) return
    this.#questions.withdraw(id)
    this.#remember()
  }

  #hearAnswer(answer: Extract<Incoming, { kind: 'result' | 'failure' }>): void {
    const { pending, stage } = this.#told
    if (answer.id !== pending?.id) return // To a request that was given up.
    if (this.#doubting && !this.#stopping && isCancelled(answer)) return this.#repeat()
    const { pending: _, ...told } = this.#told
    this.#told = told
    this.#deadline.clear()
    if (stage.kind === 'ending') return this.#stopProcess()
    if (stage.kind === 'turn') return this.#endTurn(answer)
    if (answer.kind === 'failure') return this.#end(toFailedSetup(pending.method, answer.failure, this.#speaker))
    const answered = { method: pending.method, result: answer.result }
    const late = this.#parts.profile.pastComesLate === true && pending.method === 'session/load'
    return late ? this.#awaitPast(answered) : this.#take(answered)
  }

  #awaitPast(answered: Answered): void {
    this.#told = { ...this.#told, stage: { kind: 'opening', answered } }
    this.#deadline.arm(PAST_MS, () => this.#take(answered))
  }

  #take(answered: Answered): void {
    const context = { session: this.#session, profile: this.#parts.profile, speaker: this.#speaker }
    const { learned, start, next } = afterAnswer(this.#told, answered, context)
    this.#told = { ...this.#told, ...learned }
    if (start) void this.#io.emit(start)
    this.#proceed(next)
  }

  #proceed(next: Step['next']): void {
    if (next.kind === 'request') this.#step(next.stage, next.method, next.params)
    else if (next.kind === 'prompt') this.#prompt(firstPrompt(this.#parts.profile, this.#session))
    else this.#end(next.end)
  }

  #prompt(texts: readonly string[]): void {
    const prompt = texts.map((text) => ({ type: 'text', text: text.toWellFormed() }))
    this.#step({ kind: 'turn' }, 'session/prompt', { sessionId: this.#told.agentSessionId ?? '', prompt })
  }

  #endTurn(answer: Extract<Incoming, { kind: 'result' | 'failure' }>): void {
    const said = this.#told.transcript
    if (answer.kind === 'result') this.#say(endTurn(said, usageOf(this.#parts.profile, answer.result)))
    else this.#say(endTurn(withoutEcho(said, answer.failure.message), undefined))
    const end = this.#toEnd(answer)
    if (this.#stopping) return this.#stopProcess()
    const { queue } = this.#told
    if (queue.length === 0) return this.#end(end)
    // The end of the run says nothing about a turn before the last: an error in it is told here.
    if (end.kind === 'error')
      void this.#io.emit({ type: 'error', code: end.code, message: end.message, retryable: true })
    const { lastText: _, ...transcript } = this.#told.transcript
    this.#told = { ...this.#told, queue: [], transcript }
    this.#prompt(queue) // C2
  }

  #toEnd(answer: Extract<Incoming, { kind: 'result' | 'failure' }>): RunEnd {
    if (answer.kind === 'failure') return toFailedTurn(answer.failure, this.#speaker, Date.now())
    const { lastText, usage } = this.#told.transcript
    const used = usage.inputTokens + usage.outputTokens > 0 ? usage : undefined
    return toEnd(answer.result, this.#speaker, { summary: lastText, usage: used })
  }

  #end(end: RunEnd): void {
    const { introduction, agentSessionId } = this.#told
    if (introduction?.canClose !== true || agentSessionId === undefined) {
      this.#told = { ...this.#told, stage: { kind: 'ending', end } }
      this.#remember()
      return this.#stopProcess()
    }
    this.#step({ kind: 'ending', end }, 'session/close', { sessionId: agentSessionId })
    this.#deadline.arm(CLOSE_MS, () => this.#stopProcess()) // C3
  }

  /** The session shall stop: first the turn, so that its last words are stored, then the program. */
  stop(): void {
    if (this.#told.stage.kind === 'ending') return
    this.#stopping = true
    if (this.#told.stage.kind !== 'turn') return this.#stopProcess()
    this.#cancelTurn()
    this.#questions.withdrawAll()
    this.#deadline.arm(INTERRUPT_MS, () => this.#stopProcess()) // C3
  }

  #cancelTurn(): void {
    void this.#write(notificationLine('session/cancel', { sessionId: this.#told.agentSessionId ?? '' }))
  }

  #stopProcess(): void {
    this.#deadline.clear()
    void this.#parts.process.stop().catch((error: unknown) => this.#note(error))
  }

  finish(exit: Exit): RunEnd {
    this.#say(endTurn(this.#told.transcript, undefined))
    const end = this.#endAfter(exit)
    const unheard = [...this.#told.queue, ...this.#told.unheard] // C4
    return unheard.length > 0 ? { ...end, unheard } : end
  }

  #endAfter(exit: Exit): RunEnd {
    const { stage, heard, stderr } = this.#told
    if (stage.kind === 'ending') return stage.end
    if (this.#stopping) return { kind: 'stopped' }
    return toExitError(this.#parts.names, exit, { anything: heard, stderr })
  }

  release(): void {
    this.#over = true
    this.#deadline.clear()
    this.#questions.withdrawAll()
  }

  follow({ id, content }: FollowUp): void {
    if (id === this.#told.lastFollowUp) return // It came before a crash, and waits or was said.
    const late = this.#over || this.#told.stage.kind === 'ending'
    const { queue, unheard } = this.#told
    const kept = late ? { unheard: [...unheard, content] } : { queue: [...queue, content] }
    this.#told = { ...this.#told, ...kept, lastFollowUp: id }
    this.#remember()
  }

  #noteRefusal(params: JsonObject, wish: string | undefined): void {
    const transcript = refuseTool(this.#told.transcript, toolIdOf(params) ?? '')
    const queue = wish === undefined ? this.#told.queue : [...this.#told.queue, wish]
    this.#told = { ...this.#told, transcript, queue }
    this.#remember()
  }

  #settleDoubt(): void {
    if (this.#told.heardSince || this.#doubting || this.#stopping) return
    this.#told = { ...this.#told, heardSince: true }
    this.#deadline.clear()
  }

  #say({ transcript, spoken }: Heard): void {
    if (transcript !== this.#told.transcript) {
      this.#told = { ...this.#told, transcript: this.#session.resume ? withoutCost(transcript) : transcript }
    }
    for (const one of spoken) this.#speak(one)
  }

  #speak(spoken: Spoken): void {
    if (spoken.kind === 'delta') this.#io.delta(spoken.type, spoken.content)
    else void this.#io.emit(spoken.message)
  }

  /** Keeps what has no place in the union (L6). */
  #keep(text: string): void {
    this.#speak(message({ type: 'raw', stream: 'stdout', content: text }))
  }

  get #speaker(): Speaker {
    const { name, signIn } = this.#parts.profile
    const { introduction } = this.#told
    const version = introduction?.version
    return { name: introduction?.name ?? name, signIn, ...(version !== undefined && { version }) }
  }

  #remember(): void {
    this.#told = { ...this.#told, owed: this.#questions.save() }
    this.#io.checkpoint(toCheckpoint(this.#told))
  }

  /** Never rejects: a program that is gone cannot be written to, and its exit says more than this failure. */
  #write(line: string): Promise<void> {
    return this.#parts.process.write(line).catch((error: unknown) => this.#note(error))
  }

  #note(error: unknown): void {
    this.#io.debug(`ACP: ${String(error)}`)
  }
}
