/**
 * Owns one running Codex: what is said to it, what it asks, and when it is over.
 * C1 The program is ended by us alone, after a turn that leaves nothing more to be said, or when the session stops.
 * C2 A message in mid-session is said at once; the end waits until it is part of the conversation (see sayings.ts).
 * C3 Every wait for the program has a bound, or is one for its work, which the host watches: after it the program is stopped.
 * C4 The last turn decides how the run ended; without one, the exit does.
 * C5 A follow-up that is not part of the conversation is handed back with the end of the run.
 * C6 What is remembered changes together with the messages of a line, and before anything that follows from it is written.
 * C7 After a crash nothing is said twice (see speech.ts); all other lines do no harm when they come twice.
 */
import {
  type AgentProcess,
  type Exit,
  type Ask,
  type FollowUp,
  type Listener,
  type OutputLine,
  type RunEnd,
  type Session,
  type SessionIo,
  Deadline,
  addToTail,
  toExitError,
  type ProgramNames,
} from 'troupe/plugin'
import { type Remembered, type SavedPhase, toCheckpoint } from './checkpoint.ts'
import { parseLine } from './parse.ts'
import { accountLine, cleanLine, greetLine, interruptLine, openLine } from './protocol.ts'
import { Questions } from './questions.ts'
import { type Said, Sayings } from './sayings.ts'
import { Speech } from './speech.ts'
import { type ParsedEvent, closeTools } from './state.ts'

/** How long the program may take to answer before it works. */
const OPEN_MS = 60_000
/** How long the program may take to end by itself after it was asked to. */
const END_MS = 3000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000
/** What was said begins its turn at once; this long after a turn means that it never will. */
const NEXT_TURN_MS = 10_000

type Phase =
  | SavedPhase
  /** A stop is asked for again when the session is continued, at the phase before. */
  | { readonly kind: 'stopping'; readonly from: SavedPhase }
  | { readonly kind: 'over' }

export interface Parts {
  readonly process: AgentProcess
  /** Where the conversation begins, or goes on. */
  readonly from: Remembered
  readonly names: ProgramNames
}

export class Conversation implements Listener {
  readonly #session: Session
  readonly #io: SessionIo
  readonly #process: AgentProcess
  readonly #names: ProgramNames
  readonly #sayings: Sayings
  readonly #speech: Speech
  readonly #questions: Questions
  readonly #deadline = new Deadline()
  /** What a crash must not lose; the rest of it is in sayings, questions and phase. */
  #told: Pick<Remembered, 'state' | 'heard' | 'stderr' | 'lastFollowUp'>
  #phase: Phase
  /** What was remembered last. */
  #remembered: string

  constructor(session: Session, io: SessionIo, { process, from, names }: Parts) {
    this.#session = session
    this.#io = io
    this.#process = process
    this.#names = names
    this.#told = from
    this.#phase = from.phase
    this.#remembered = JSON.stringify(session.checkpoint)
    this.#sayings = new Sayings(from.sayings)
    this.#speech = new Speech({
      sayings: this.#sayings,
      prompt: session.prompt,
      continued: session.checkpoint !== undefined,
      write: (line) => this.#write(line),
    })
    const asking = {
      ask: (question: Ask, withdraw?: AbortSignal) => io.ask(question, withdraw),
      allowAll: session.permissionMode === 'full',
      write: (line: string) => this.#write(line),
      say: (saying: Omit<Said, 'followUp'>) => void this.#say({ ...saying, followUp: false }),
      changed: () => this.#remember(),
    }
    this.#questions = new Questions(asking, from.requests)
  }

  /** Writes what Codex may not have got, and waits for what is due. */
  begin(): void {
    const { sessionId, permissionMode, checkpoint } = this.#session
    if (checkpoint === undefined) {
      this.#sayings.add({ id: `${sessionId}/prompt`, followUp: false, mode: permissionMode })
    }
    this.#remember() // C6
    this.#questions.resume()
    this.#resume()
    if (this.#told.state.opened) this.#speech.open(this.#told.state.opened)
  }

  #resume(): void {
    switch (this.#phase.kind) {
      case 'greeting':
        return this.#request('greeting', greetLine())
      case 'signingIn':
        return this.#request('signingIn', accountLine())
      case 'opening':
        return this.#request('opening', openLine(this.#session))
      case 'between':
        return this.#awaitTurn(this.#phase.end)
      case 'ending':
        return this.#end(this.#phase.end)
    }
  }

  /** One of the requests before the work. */
  #request(kind: 'greeting' | 'signingIn' | 'opening', line: string): void {
    if (this.#phase.kind === 'stopping') return
    this.#phase = { kind }
    this.#stopAfter(OPEN_MS)
    void this.#write(line)
  }

  async hear({ stream, text }: OutputLine): Promise<void> {
    if (stream === 'stderr') {
      this.#told = { ...this.#told, stderr: addToTail(this.#told.stderr, text) }
      this.#remember()
      return this.#io.emit({ type: 'raw', stream, content: text })
    }
    const { state, events } = parseLine(this.#told.state, text)
    const changed = !this.#told.heard || state !== this.#told.state || events.some(isControl)
    this.#told = { ...this.#told, state, heard: true }
    for (const event of events) await this.#take(event)
    if (changed) this.#remember()
  }

  async #take(event: ParsedEvent): Promise<void> {
    switch (event.kind) {
      case 'message':
        return this.#io.emit(event.message)
      case 'delta':
        return this.#io.delta(event.type, event.content)
      case 'greeted':
        return this.#phase.kind === 'greeting' ? this.#request('signingIn', accountLine()) : undefined
      case 'signedIn':
        return this.#phase.kind === 'signingIn' ? this.#request('opening', openLine(this.#session)) : undefined
      case 'opened':
        return this.#open()
      case 'failed':
        return this.#phase.kind === 'stopping' ? undefined : this.#end(event.end)
      case 'ask':
        return void this.#questions.take(event.request)
      case 'withdraw':
        return this.#questions.withdraw(event.id)
      case 'echo':
        return this.#speech.hearEcho(event.id)
      case 'accepted':
        return this.#accept(event)
      case 'heard':
        return this.#sayings.hear(event.id)
      case 'turnBegin':
        return this.#beginTurn(event.turnId)
      case 'turnEnd':
        return this.#endTurn(event.turnId, event.end)
      case 'cleaned':
        return this.#phase.kind === 'stopping' ? this.#quit(INTERRUPT_MS) : undefined
    }
  }

  #open(): void {
    if (this.#phase.kind === 'stopping') return
    this.#deadline.clear()
    this.#phase = { kind: 'talking' }
    this.#remember() // C6
    if (this.#told.state.opened) this.#speech.open(this.#told.state.opened)
  }

  #accept({ id, turnId, reason }: Extract<ParsedEvent, { kind: 'accepted' }>): void {
    this.#sayings.accept(id, turnId)
    if (turnId !== undefined || this.#sayings.waiting || this.#questions.waiting) return
    if (this.#phase.kind === 'between') this.#end(this.#phase.end)
    if (this.#phase.kind === 'talking' && this.#phase.turnId === undefined) {
      this.#end({
        kind: 'error',
        code: 'AGENT_FAILED',
        message: `Codex does not begin: ${reason ?? 'no reason given'}.`,
      })
    }
  }

  async #beginTurn(turnId: string): Promise<void> {
    if (this.#phase.kind === 'stopping') return this.#interrupt(turnId)
    const before = this.#phase
    if (before.kind === 'ending') return
    this.#deadline.clear()
    this.#phase = { kind: 'talking', turnId }
    // The end of the run says nothing about a turn before the last: an error in it is told here.
    if (before.kind !== 'between' || before.end.kind !== 'error') return
    await this.#io.emit({ type: 'error', code: before.end.code, message: before.end.message, retryable: true })
  }

  #endTurn(turnId: string, end: RunEnd): void {
    const again = this.#sayings.endTurn(turnId)
    if (this.#phase.kind === 'stopping') return this.#clean()
    if (this.#phase.kind === 'ending') return
    if (!this.#sayings.waiting && !this.#questions.waiting) return this.#end(end) // C1
    this.#phase = { kind: 'between', end } // C2
    this.#awaitTurn(end)
    for (const said of again) void this.#speech.say(said)
  }

  /** A person may take as long as it takes. */
  #awaitTurn(end: RunEnd): void {
    if (!this.#questions.waiting) this.#deadline.arm(NEXT_TURN_MS, () => this.#end(end)) // C3
  }

  #end(end: RunEnd): void {
    this.#phase = { kind: 'ending', end }
    this.#questions.withdrawAll()
    this.#remember() // C6
    this.#quit(END_MS)
  }

  /** Codex stores the conversation as it goes; the signal lets it end what it has begun. */
  #quit(ms: number): void {
    this.#stopAfter(ms)
    void this.#process.signal('SIGTERM').catch((error: unknown) => this.#io.debug(`Signal: ${String(error)}`))
  }

  /** The session shall stop: first the turn, so that its last words are stored, then the program. */
  stop(): void {
    const before = this.#phase
    if (before.kind === 'ending' || before.kind === 'stopping' || before.kind === 'over') return
    this.#phase = { kind: 'stopping', from: before }
    this.#questions.withdrawAll()
    if (before.kind === 'talking' && before.turnId !== undefined) return this.#interrupt(before.turnId)
    // A turn that is due is interrupted when it begins.
    if (before.kind === 'talking') return this.#stopAfter(INTERRUPT_MS)
    this.#quit(INTERRUPT_MS)
  }

  #interrupt(turnId: string): void {
    const { opened } = this.#told.state
    if (opened) void this.#write(interruptLine(opened.threadId, turnId))
    this.#stopAfter(INTERRUPT_MS)
  }

  #clean(): void {
    const { opened } = this.#told.state
    if (opened) void this.#write(cleanLine(opened.threadId))
    this.#stopAfter(INTERRUPT_MS)
  }

  #stopAfter(ms: number): void {
    const stop = () => void this.#process.stop().catch((error: unknown) => this.#io.debug(`Stop: ${String(error)}`))
    this.#deadline.arm(ms, stop) // C3
  }

  async finish(exit: Exit): Promise<RunEnd> {
    const { state, events } = closeTools(this.#told.state)
    this.#told = { ...this.#told, state }
    this.#remember() // C6
    for (const event of events) await this.#take(event)
    const end = this.#toEnd(exit)
    const unheard = this.#sayings.unheard() // C5
    return unheard.length > 0 ? { ...end, unheard } : end
  }

  // C4
  #toEnd(exit: Exit): RunEnd {
    if (this.#phase.kind === 'ending' || this.#phase.kind === 'between') return this.#phase.end
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'over') return { kind: 'stopped' }
    const { heard, stderr } = this.#told
    return toExitError(this.#names, exit, { anything: heard, stderr })
  }

  release(): void {
    this.#phase = { kind: 'over' }
    this.#deadline.clear()
    this.#questions.withdrawAll()
  }

  /** Settles when the follow-up is written, so that asking for the next one acknowledges it. */
  async follow({ id, content }: FollowUp): Promise<void> {
    if (id === this.#told.lastFollowUp) return // It came before a crash, and is among the sayings if it is of interest still.
    this.#told = { ...this.#told, lastFollowUp: id }
    await this.#say({ id, text: content, followUp: true })
  }

  async #say(said: Said): Promise<void> {
    const { kind } = this.#phase
    const late = kind === 'ending' || kind === 'stopping' || kind === 'over'
    const isNew = late ? this.#sayings.miss(said) : this.#sayings.add(said)
    this.#remember() // C6
    if (this.#phase.kind === 'between') this.#awaitTurn(this.#phase.end)
    if (isNew) await this.#speech.say(said)
  }

  #remember(): void {
    if (this.#phase.kind === 'over') return
    const phase = this.#phase.kind === 'stopping' ? this.#phase.from : this.#phase
    const sayings = this.#sayings.save()
    const checkpoint = toCheckpoint({ ...this.#told, phase, sayings, requests: this.#questions.save() })
    const remembered = JSON.stringify(checkpoint)
    if (remembered === this.#remembered) return
    this.#remembered = remembered
    this.#io.checkpoint(checkpoint)
  }

  /** Never rejects: a program that is gone cannot be written to, and its exit says more than this failure. */
  #write(line: string): Promise<void> {
    return this.#process.write(line).catch((error: unknown) => this.#io.debug(`Write to Codex: ${String(error)}`))
  }
}

/** It changes what must be remembered. */
const isControl = ({ kind }: ParsedEvent): boolean => kind !== 'message' && kind !== 'delta'
