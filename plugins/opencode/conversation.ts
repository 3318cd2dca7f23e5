/**
 * Owns one running OpenCode: what is said to it, what it asks, and when it is over.
 * C1 The program is ended by us alone, when it is idle and has replied to all that was said, or when the session stops.
 * C2 A message in mid-session is said at once; the end waits until OpenCode has replied to it.
 * C3 Every wait for the program has a bound, or is one for its work, which the host watches: after it the program is stopped.
 * C4 A follow-up that is not part of the conversation is handed back with the end of the run.
 * C5 What is remembered changes together with the messages of a line. What is written is remembered before: after a crash it is
 *    written again under its id, and the bridge ignores what it has. What OpenCode did meanwhile is in the bridge's output, which
 *    goes on where it was committed, so nothing is lost and nothing comes twice.
 */
import {
  type AgentProcess,
  type Exit,
  type FollowUp,
  type Listener,
  type OutputLine,
  type ProgramNames,
  type RunEnd,
  type Session,
  type SessionIo,
  Deadline,
  addToTail,
  toExitError,
} from 'troupe/plugin'
import { type Remembered, type SavedPhase, toCheckpoint } from './checkpoint.ts'
import { parseLine } from './parse.ts'
import { abortLine, openLine, sayLine } from './protocol.ts'
import { APPROVE, APPROVE_EDITS, REJECT, planAsk } from './question.ts'
import { Questions } from './questions.ts'
import { type Said, Sayings } from './sayings.ts'
import { type AgentRequest, type Parsed, type ParsedEvent, closeTools } from './state.ts'

/** How long the program may take until it serves. */
const OPEN_MS = 60_000
/** How long the program may take to end by itself after it was asked to. */
const END_MS = 3000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000
/** What was said begins its turn at once; this long after a turn means that it never will. */
const NEXT_TURN_MS = 10_000
/** After an error OpenCode is idle twice; the last words come in between, if any. */
const LAST_WORDS_MS = 1000

type Phase = SavedPhase | { readonly kind: 'stopping'; readonly from: SavedPhase } | { readonly kind: 'over' }

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
  readonly #questions: Questions
  readonly #deadline = new Deadline()
  /** What a crash must not lose; the rest of it is in sayings, questions and phase. */
  #told: Omit<Remembered, 'phase' | 'sayings' | 'requests'>
  #phase: Phase
  /** What was remembered last. */
  #remembered: string
  #planning: AbortController | undefined

  constructor(session: Session, io: SessionIo, { process, from, names }: Parts) {
    const { phase, sayings, requests, ...told } = from
    this.#session = session
    this.#io = io
    this.#process = process
    this.#names = names
    this.#told = told
    this.#phase = phase
    this.#remembered = JSON.stringify(session.checkpoint)
    this.#sayings = new Sayings(sayings)
    const asking = {
      ask: (...asked: Parameters<SessionIo['ask']>) => io.ask(...asked),
      mode: () => this.#told.mode,
      write: (line: string) => this.#write(line),
      changed: () => this.#remember(),
      debug: (text: string) => io.debug(text),
    }
    this.#questions = new Questions(asking, requests)
  }

  /** Writes what OpenCode may not have got, and waits for what is due. */
  begin(): void {
    const { sessionId, permissionMode, checkpoint } = this.#session
    if (checkpoint === undefined)
      this.#sayings.add({ id: `${sessionId}/prompt`, followUp: false, mode: permissionMode })
    this.#remember() // C5
    this.#questions.resume()
    switch (this.#phase.kind) {
      case 'opening':
        this.#stopAfter(OPEN_MS)
        return void this.#write(openLine(this.#session))
      case 'planned':
        void this.#discuss(this.#phase)
        break
      case 'ending':
        return this.#end(this.#phase.end)
      case 'between':
        this.#awaitTurn()
        break
    }
    for (const said of this.#sayings.open) void this.#write(this.#toLine(said))
  }

  hear({ stream, text }: OutputLine): void {
    if (stream === 'stderr') {
      this.#told = { ...this.#told, stderr: addToTail(this.#told.stderr, text) }
      void this.#io.emit({ type: 'raw', stream, content: text })
      return this.#remember()
    }
    const parsed = parseLine(this.#told.state, text)
    this.#told = { ...this.#told, heard: true }
    this.#takeAll(parsed)
  }

  #takeAll({ state, events }: Parsed): void {
    const changed = state !== this.#told.state || events.some(isControl)
    this.#told = { ...this.#told, state }
    for (const event of events) this.#take(event)
    if (changed) this.#remember()
  }

  #take(event: ParsedEvent): void {
    switch (event.kind) {
      case 'message':
        return void this.#io.emit(event.message)
      case 'delta':
        return this.#io.delta(event.type, event.content)
      case 'opened':
        return this.#open()
      case 'failed':
        return this.#phase.kind === 'stopping' ? undefined : this.#end(event.end)
      case 'ask':
        return this.#ask(event.request)
      case 'withdraw':
        return this.#questions.withdraw(event.id)
      case 'heard':
        return this.#sayings.hear()
      case 'busy':
        return this.#work()
      case 'idle':
        return this.#rest()
    }
  }

  #open(): void {
    if (this.#phase.kind !== 'opening') return
    this.#deadline.clear()
    this.#phase = { kind: 'talking' }
    this.#remember() // C5
    for (const said of this.#sayings.open) void this.#write(this.#toLine(said))
  }

  /** What is asked for when it shall end is not allowed any more, in no mode. */
  #ask(request: AgentRequest): void {
    const { kind } = this.#phase
    if (kind === 'talking' || kind === 'between') this.#questions.take(request)
  }

  #work(): void {
    if (this.#phase.kind !== 'between') return
    this.#deadline.clear()
    this.#phase = { kind: 'talking' }
  }

  #rest(): void {
    const { kind } = this.#phase
    if (kind === 'stopping') return this.#isSettled ? this.#quit(INTERRUPT_MS) : undefined
    if (kind !== 'talking' && kind !== 'between') return
    if (this.#isSettled) return this.#endTurn()
    this.#phase = { kind: 'between' } // C2
    this.#awaitTurn()
  }

  /** OpenCode has replied to all that was said. */
  get #isSettled(): boolean {
    return this.#sayings.open.length === 0 && this.#told.state.last?.answered === true
  }

  #awaitTurn(): void {
    const failed = this.#told.state.error !== undefined && this.#sayings.open.length === 0
    this.#deadline.arm(failed ? LAST_WORDS_MS : NEXT_TURN_MS, () => this.#endTurn()) // C3
  }

  #endTurn(): void {
    this.#deadline.clear()
    const { usage, error, lastText } = this.#told.state
    void this.#io.emit({ type: 'usage', ...usage })
    if (error) return this.#end(error)
    const end = {
      kind: 'complete',
      success: true,
      usage,
      ...(lastText !== undefined && { summary: lastText }),
    } as const
    if (this.#told.mode !== 'plan') return this.#end(end)
    this.#told = { ...this.#told, plans: this.#told.plans + 1 }
    const planned = { kind: 'planned', end, plan: this.#told.plans } as const
    this.#phase = planned
    this.#remember()
    void this.#discuss(planned)
  }

  /** A person may take as long as it takes; whatever is said meanwhile comes first. */
  async #discuss({ end, plan }: Extract<SavedPhase, { kind: 'planned' }>): Promise<void> {
    const planning = new AbortController()
    this.#planning = planning
    try {
      const ask = { key: `plan/${plan}`, ...planAsk(end.summary ?? '') }
      const answer = (await this.#io.ask(ask, planning.signal)).trim()
      if (this.#phase.kind !== 'planned') return
      if (answer === REJECT || answer === '') return this.#end(end)
      const mode = answer === APPROVE ? 'ask' : answer === APPROVE_EDITS ? 'accept_edits' : 'plan'
      const text = mode === 'plan' ? answer : 'Carry out the plan.'
      this.#say({ id: `plan/${plan}`, text, followUp: false, mode })
    } catch (error) {
      this.#io.debug(`The plan of OpenCode: ${String(error)}`) // The session stops, or something else was said.
    }
  }

  #end(end: RunEnd): void {
    this.#phase = { kind: 'ending', end }
    this.#withdrawAll()
    this.#remember() // C5
    // Else a host that continues could see the program end without knowing why.
    this.#io.committed().then(
      () => this.#quit(END_MS),
      (error: unknown) => this.#io.debug(`The end of OpenCode: ${String(error)}`),
    )
  }

  /** OpenCode stores the conversation as it goes. */
  #quit(ms: number): void {
    this.#stopAfter(ms)
    void this.#process.signal('SIGTERM').catch((error: unknown) => this.#io.debug(`Signal: ${String(error)}`))
  }

  /** The session shall stop: first the turn, which ends its commands, then the program. */
  stop(): void {
    const before = this.#phase
    if (before.kind === 'ending' || before.kind === 'stopping' || before.kind === 'over') return
    this.#phase = { kind: 'stopping', from: before }
    this.#withdrawAll()
    const { opened } = this.#told.state
    if (!opened) return this.#quit(INTERRUPT_MS)
    this.#stopAfter(INTERRUPT_MS)
    void this.#write(abortLine(opened.sessionId))
  }

  #stopAfter(ms: number): void {
    const stop = () => void this.#process.stop().catch((error: unknown) => this.#io.debug(`Stop: ${String(error)}`))
    this.#deadline.arm(ms, stop) // C3
  }

  finish(exit: Exit): RunEnd {
    this.#takeAll(closeTools(this.#told.state))
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'over') return { kind: 'stopped' }
    if (this.#phase.kind === 'ending') return this.#withUnheard(this.#phase.end)
    const { heard, stderr } = this.#told
    return toExitError(this.#names, exit, { anything: heard, stderr })
  }

  // C4
  #withUnheard(end: RunEnd): RunEnd {
    const unheard = this.#sayings.unheard()
    return unheard.length > 0 ? { ...end, unheard } : end
  }

  release(): void {
    this.#phase = { kind: 'over' }
    this.#deadline.clear()
    this.#withdrawAll()
  }

  follow({ id, content }: FollowUp): void {
    if (id === this.#told.lastFollowUp) return // It came before a crash, and is among the sayings if it is of interest still.
    this.#told = { ...this.#told, lastFollowUp: id }
    this.#say({ id, text: content, followUp: true, mode: this.#told.mode })
  }

  #say(said: Said): void {
    const { kind } = this.#phase
    if (kind === 'ending' || kind === 'stopping' || kind === 'over') {
      this.#sayings.miss(said)
      return this.#remember()
    }
    this.#sayings.add(said)
    this.#told = { ...this.#told, mode: said.mode }
    if (kind === 'planned') this.#phase = { kind: 'between' }
    this.#planning?.abort()
    this.#remember() // C5
    if (this.#phase.kind === 'between') this.#awaitTurn()
    if (this.#phase.kind !== 'opening') void this.#write(this.#toLine(said))
  }

  #toLine({ id, text, mode }: Said): string {
    const { model, prompt } = this.#session
    return sayLine(this.#told.state.opened?.sessionId ?? '', { id, text: text ?? prompt, mode, model })
  }

  #withdrawAll(): void {
    this.#questions.withdrawAll()
    this.#planning?.abort()
  }

  #remember(): void {
    if (this.#phase.kind === 'over') return
    const phase = this.#phase.kind === 'stopping' ? this.#phase.from : this.#phase
    const checkpoint = toCheckpoint({
      ...this.#told,
      phase,
      sayings: this.#sayings.save(),
      requests: this.#questions.save(),
    })
    const remembered = JSON.stringify(checkpoint)
    if (remembered === this.#remembered) return
    this.#remembered = remembered
    this.#io.checkpoint(checkpoint)
  }

  /** Never rejects: a program that is gone cannot be written to, and its exit says more than this failure. */
  #write(line: string): Promise<void> {
    return this.#process.write(line).catch((error: unknown) => this.#io.debug(`Write to OpenCode: ${String(error)}`))
  }
}

/** It changes what must be remembered. */
const isControl = ({ kind }: ParsedEvent): boolean => kind !== 'message' && kind !== 'delta'
