/**
 * Owns one running Claude Code: what is said to it, what it asks, and when it is over.
 * C1 The program is ended by us alone, after a result that leaves nothing more to be taken up, or when the session stops.
 * C2 A message in mid-session is sent at once; the end waits until Claude Code has taken it up (see prompts.ts).
 * C3 Every wait for the program has a bound: after it the program is stopped.
 * C4 The last result decides how the run ended; without one, the exit does.
 * C5 A follow-up that Claude Code has not taken up is handed back with the end of the run.
 */
import type { AgentProcess, FollowUp, OutputLine, RunEnd, Session, SessionIo } from 'troupe/plugin'
import { Deadline } from './deadline.ts'
import { addToTail, tailText, toExitError } from './exit.ts'
import { parseLine } from './parse.ts'
import { Prompts } from './prompts.ts'
import { endLine, interruptLine, refusalLine, userLine } from './protocol.ts'
import { Questions } from './questions.ts'
import type { ParsedEvent, ParseState } from './state.ts'
import { beginState, closeTools } from './state.ts'

/** How long the program may take to end by itself after it was asked to. */
const END_MS = 3000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000
/** A queued message begins its turn at once; this long after a result means that it never will. */
const NEXT_TURN_MS = 10_000
/** The same for a version that does not report what became of messages: most often they were in the turn that ended. */
const UNREPORTED_MS = 2000

type Phase =
  | { readonly kind: 'talking' }
  /** A result came, and a message is still to be taken up. */
  | { readonly kind: 'between'; readonly end: RunEnd }
  | { readonly kind: 'ending'; readonly end: RunEnd }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'over' }

export class Conversation {
  readonly #session: Session
  readonly #io: SessionIo
  readonly #process: AgentProcess
  readonly #prompts = new Prompts()
  readonly #questions: Questions
  readonly #deadline = new Deadline()
  #phase: Phase = { kind: 'talking' }
  #state: ParseState
  #stderr: readonly string[] = []
  #heard = false

  constructor(session: Session, io: SessionIo, process: AgentProcess) {
    this.#session = session
    this.#io = io
    this.#process = process
    this.#state = beginState(session.agent, session.workDir)
    this.#questions = new Questions({
      ask: (question, withdraw) => io.ask(question, withdraw),
      allowAll: session.permissionMode === 'full',
      write: (line) => this.#write(line),
    })
  }

  /** Settles when the program has ended. */
  async hold(): Promise<RunEnd> {
    const followUps = this.#io.followUps[Symbol.asyncIterator]()
    const stop = () => this.#stop()
    this.#io.signal.addEventListener('abort', stop, { once: true })
    this.#say(this.#session.prompt, false)
    if (this.#io.signal.aborted) stop()
    void this.#forward(followUps)
    try {
      for await (const line of this.#process.lines) await this.#hear(line)
      return await this.#finish()
    } finally {
      this.#phase = { kind: 'over' }
      this.#io.signal.removeEventListener('abort', stop)
      this.#deadline.clear()
      this.#questions.withdrawAll()
      void followUps.return?.()
    }
  }

  async #hear({ stream, text }: OutputLine): Promise<void> {
    if (stream === 'stderr') {
      this.#stderr = addToTail(this.#stderr, text)
      return this.#io.emit({ type: 'raw', stream, content: text })
    }
    this.#heard = true
    const { state, events } = parseLine(this.#state, text)
    this.#state = state
    for (const event of events) await this.#take(event)
  }

  async #take(event: ParsedEvent): Promise<void> {
    switch (event.kind) {
      case 'message':
        return this.#io.emit(event.message)
      case 'delta':
        return this.#io.delta(event.type, event.content)
      case 'ask':
        return void this.#questions.take(event.request)
      case 'withdraw':
        return this.#questions.withdraw(event.requestId)
      case 'unsupported':
        return this.#write(refusalLine(event.requestId, `Troupe does not serve ${event.subtype}.`))
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
    if (this.#phase.kind === 'stopping') return this.#write(endLine())
    this.#prompts.settleTurn()
    if (!this.#prompts.waiting) return this.#end(end) // C1
    this.#phase = { kind: 'between', end } // C2
    this.#deadline.arm(this.#prompts.reported ? NEXT_TURN_MS : UNREPORTED_MS, () => this.#end(end)) // C3
  }

  #end(end: RunEnd): void {
    this.#phase = { kind: 'ending', end }
    this.#write(endLine())
    this.#stopAfter(END_MS)
  }

  /** The session shall stop: first the turn, so that its last words are stored, then the program. */
  #stop(): void {
    if (this.#phase.kind === 'ending') return
    this.#phase = { kind: 'stopping' }
    this.#questions.withdrawAll()
    this.#write(interruptLine())
    this.#stopAfter(INTERRUPT_MS)
  }

  #stopAfter(ms: number): void {
    const stop = () => void this.#process.stop().catch((error: unknown) => this.#io.debug(`Stop: ${String(error)}`))
    this.#deadline.arm(ms, stop) // C3
  }

  async #finish(): Promise<RunEnd> {
    const exit = await this.#process.exited
    for (const event of closeTools(this.#state).events) await this.#take(event)
    if (this.#phase.kind === 'stopping') return { kind: 'stopped' }
    if (this.#phase.kind === 'talking') {
      return toExitError(this.#program, exit, { anything: this.#heard, stderr: tailText(this.#stderr) })
    }
    return this.#phase.kind === 'over' ? { kind: 'stopped' } : this.#withUnheard(this.#phase.end) // C4
  }

  // C5
  #withUnheard(end: RunEnd): RunEnd {
    const unheard = this.#prompts.unheard()
    return end.kind === 'complete' && unheard.length > 0 ? { ...end, unheard } : end
  }

  async #forward(followUps: AsyncIterator<FollowUp>): Promise<void> {
    try {
      for (let next = await followUps.next(); !next.done; next = await followUps.next()) {
        if (this.#phase.kind === 'talking' || this.#phase.kind === 'between') this.#say(next.value.content, true)
        else this.#prompts.miss(next.value.content)
      }
    } catch (error) {
      this.#io.debug(`No more messages to Claude Code: ${String(error)}`)
    }
  }

  #say(content: string, followUp: boolean): void {
    const id = crypto.randomUUID()
    this.#prompts.add(id, content, followUp)
    this.#write(userLine(id, content))
  }

  /** A program that is gone cannot be written to; its exit says more than this failure. */
  #write(line: string): void {
    this.#process.write(line).catch((error: unknown) => this.#io.debug(`Write to Claude Code: ${String(error)}`))
  }

  get #program(): string {
    return this.#session.settings.program ?? 'claude'
  }
}
