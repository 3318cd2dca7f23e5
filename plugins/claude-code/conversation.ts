/**
 * Owns one running Claude Code: what is said to it, what it asks, and when it is over.
 * C1 The program is ended by us alone, after a result that leaves nothing more to be taken up, or when the session stops.
 * C2 A message in mid-session is sent at once; the end waits until Claude Code has taken it up (see prompts.ts).
 * C3 Every wait for the program has a bound: after it the program is stopped.
 * C4 The last result decides how the run ended; without one, the exit does.
 * C5 A follow-up that Claude Code has not taken up is handed back with the end of the run.
 * C6 What is remembered changes together with the messages of a line. What is written is remembered before: after a crash it is
 *    written again, and Claude Code ignores what it has (see line-id.ts).
 */
import {
  type AgentProcess,
  type Exit,
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
import { toLineId } from './line-id.ts'
import { parseLine } from './parse.ts'
import { Prompts } from './prompts.ts'
import { endLine, interruptLine, userLine } from './protocol.ts'
import { Questions } from './questions.ts'
import type { ParsedEvent } from './state.ts'
import { closeTools } from './state.ts'

/** How long the program may take to end by itself after it was asked to. */
const END_MS = 3000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000
/** A queued message begins its turn at once; this long after a result means that it never will. */
const NEXT_TURN_MS = 10_000
/** The same for a version that does not report what became of messages: most often they were in the turn that ended. */
const UNREPORTED_MS = 2000

type Phase = SavedPhase | { readonly kind: 'stopping' } | { readonly kind: 'over' }

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
  readonly #from: Remembered
  readonly #prompts: Prompts
  readonly #questions: Questions
  readonly #deadline = new Deadline()
  /** What a crash must not lose; the rest of it is in prompts, questions and phase. */
  #told: Pick<Remembered, 'state' | 'heard' | 'stderr' | 'lastFollowUp'>
  #phase: Phase

  constructor(session: Session, io: SessionIo, { process, from, names }: Parts) {
    this.#session = session
    this.#io = io
    this.#process = process
    this.#names = names
    this.#from = from
    this.#told = from
    this.#phase = from.phase
    this.#prompts = new Prompts(from.prompts)
    this.#questions = new Questions({
      ask: (question, withdraw) => io.ask(question, withdraw),
      allowAll: session.permissionMode === 'full',
      write: (line) => this.#write(line),
      changed: () => this.#remember(),
    })
  }

  /** Writes what Claude Code may not have got, and waits for what is due. */
  begin(): void {
    if (this.#session.checkpoint === undefined) this.#prompts.add(toLineId(`${this.#session.sessionId}/prompt`))
    this.#remember() // C6
    for (const { id, followUp } of this.#prompts.sent())
      void this.#write(userLine(id, followUp ?? this.#session.prompt))
    for (const request of this.#from.requests) void this.#questions.take(request)
    if (this.#phase.kind === 'between') this.#awaitTurn(this.#phase.end)
    if (this.#phase.kind === 'ending') this.#end(this.#phase.end)
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
      case 'request':
        return void this.#questions.take(event.request)
      case 'withdraw':
        return this.#questions.withdraw(event.requestId)
      case 'turnBegin':
        return this.#beginTurn()
      case 'fate':
        return this.#noteFate(event)
      case 'turnEnd':
        return this.#endTurn(event.end)
    }
  }

  async #beginTurn(): Promise<void> {
    this.#prompts.beginTurn()
    if (this.#phase.kind !== 'between') return
    const { end } = this.#phase
    this.#deadline.clear()
    this.#phase = { kind: 'talking' }
    // The end of the run says nothing about a turn before the last: an error in it is told here.
    if (end.kind !== 'error') return
    await this.#io.emit({ type: 'error', code: end.code, message: end.message, retryable: true })
  }

  #noteFate({ id, fate }: Extract<ParsedEvent, { kind: 'fate' }>): void {
    this.#prompts.note(id, fate)
    if (fate === 'dropped' && this.#phase.kind === 'between') this.#endTurn(this.#phase.end)
  }

  #endTurn(end: RunEnd): void {
    if (this.#phase.kind === 'stopping') return void this.#write(endLine())
    this.#prompts.settleTurn()
    if (!this.#prompts.waiting) return this.#end(end) // C1
    this.#phase = { kind: 'between', end } // C2
    this.#awaitTurn(end)
  }

  #awaitTurn(end: RunEnd): void {
    this.#deadline.arm(this.#prompts.reported ? NEXT_TURN_MS : UNREPORTED_MS, () => this.#end(end)) // C3
  }

  #end(end: RunEnd): void {
    this.#phase = { kind: 'ending', end }
    this.#remember() // C6
    void this.#write(endLine())
    this.#stopAfter(END_MS)
  }

  /** The session shall stop: first the turn, so that its last words are stored, then the program. */
  stop(): void {
    if (this.#phase.kind === 'ending') return
    this.#phase = { kind: 'stopping' }
    this.#questions.withdrawAll()
    void this.#write(interruptLine())
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
    const unheard = this.#prompts.unheard() // C5
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
    if (id === this.#told.lastFollowUp) return // It came before a crash, and is in the prompts if it is of interest still.
    this.#told = { ...this.#told, lastFollowUp: id }
    const line = toLineId(id)
    const listens = this.#phase.kind === 'talking' || this.#phase.kind === 'between'
    if (listens) this.#prompts.add(line, content)
    else this.#prompts.miss(line, content)
    this.#remember() // C6
    if (listens) await this.#write(userLine(line, content))
  }

  #remember(): void {
    const { kind } = this.#phase
    // A stop is asked for again when the session is continued.
    const phase = kind === 'stopping' || kind === 'over' ? ({ kind: 'talking' } as const) : this.#phase
    const prompts = this.#prompts.save()
    this.#io.checkpoint(toCheckpoint({ ...this.#told, phase, prompts, requests: this.#questions.save() }))
  }

  /** Never rejects: a program that is gone cannot be written to, and its exit says more than this failure. */
  #write(line: string): Promise<void> {
    return this.#process.write(line).catch((error: unknown) => this.#io.debug(`Write to Claude Code: ${String(error)}`))
  }
}

/** It changes what must be remembered. */
const isControl = ({ kind }: ParsedEvent): boolean => kind !== 'message' && kind !== 'delta'
