/**
 * Owns what is said to one running OpenCode, what it asks, and when it is at its end.
 * C1 The session is over when OpenCode is idle and has replied to all that was said.
 * C2 A message in mid-session is said at once; the end waits until OpenCode has replied to it.
 * C3 Every wait for OpenCode has a bound, or is one for its work, which the host watches.
 * C4 What may not have arrived before a crash is written again under its id, and the bridge ignores what it has. What OpenCode did
 *    meanwhile is in the bridge's output, which goes on where it was committed, so nothing is lost and nothing comes twice.
 */
import {
  type Connection,
  type Conversation,
  type FollowUp,
  type PermissionMode,
  type Requests,
  message,
} from 'troupe/plugin'
import { type Memory, type Phase, beginning } from './memory.ts'
import { parseLine } from './parse.ts'
import { abortLine, openLine, sayLine } from './protocol.ts'
import { APPROVE, APPROVE_EDITS, REJECT } from './question.ts'
import { makeRequests } from './questions.ts'
import { type Said, Sayings } from './sayings.ts'
import { type AgentRequest, type Parsed, type ParsedEvent, type ParseState, closeState } from './state.ts'

/** How long the program may take until it serves. */
const OPEN_MS = 60_000
/** How long the program may take to end after its turn was interrupted; the host's own patience is a few seconds. */
const STOP_MS = 2000
/** What was said begins its turn at once; this long after a turn means that it never will. */
const NEXT_TURN_MS = 10_000
/** After an error OpenCode is idle twice; the last words come in between, if any. */
const LAST_WORDS_MS = 1000

export class OpenCodeConversation implements Conversation<Memory> {
  readonly #connection: Connection
  readonly #sayings: Sayings
  readonly #requests: Requests<AgentRequest>
  #state: ParseState
  #phase: Phase
  #mode: PermissionMode

  constructor(connection: Connection, memory: Memory = beginning(connection.session)) {
    this.#connection = connection
    this.#state = memory.state
    this.#phase = memory.phase
    this.#mode = memory.mode
    this.#sayings = new Sayings(memory.sayings)
    const deciding = { mode: () => this.#mode, onPlan: (answer: string) => this.#hearPlanAnswer(answer) }
    this.#requests = makeRequests(connection, { ...deciding, saved: memory.requests })
  }

  save(): Memory {
    const [sayings, requests] = [this.#sayings.open, this.#requests.save()]
    return { state: this.#state, phase: this.#phase, mode: this.#mode, sayings, requests }
  }

  begin(): void {
    this.#requests.resume()
    if (this.#phase.kind === 'opening') {
      this.#connection.stopAfter(OPEN_MS) // C3
      return void this.#connection.write(openLine(this.#connection.session))
    }
    if (this.#phase.kind === 'between') this.#awaitTurn()
    this.#writeOpen()
  }

  /** C4 */
  #writeOpen(): void {
    for (const said of this.#sayings.open) this.#write(said)
  }

  #write({ id, text, mode }: Said): void {
    const { model, prompt } = this.#connection.session
    const sessionId = this.#state.opened?.sessionId ?? ''
    void this.#connection.write(sayLine(sessionId, { id, text: text ?? prompt, mode, model }))
  }

  hear(line: string): void {
    this.#takeAll(parseLine(this.#state, line))
  }

  #takeAll({ state, events }: Parsed): void {
    this.#state = state
    for (const event of events) this.#take(event)
  }

  #take(event: ParsedEvent): void {
    switch (event.kind) {
      case 'opened':
        return this.#open()
      case 'failed':
        return this.#connection.end(event.end)
      case 'ask':
        return this.#ask(event.request)
      case 'withdraw':
        return void this.#requests.withdraw(event.id)
      case 'heard':
        return this.#sayings.hear()
      case 'busy':
        return this.#work()
      case 'idle':
        return this.#rest()
      default:
        return this.#connection.say(event)
    }
  }

  #open(): void {
    if (this.#phase.kind !== 'opening' || !this.#connection.isOpen) return
    this.#connection.proceed()
    this.#phase = { kind: 'talking' }
    this.#writeOpen()
  }

  /** What is asked for when it shall end is not allowed any more, in no mode. */
  #ask(request: AgentRequest): void {
    if (this.#isInTurn) void this.#requests.take(request)
  }

  get #isInTurn(): boolean {
    return this.#connection.isOpen && (this.#phase.kind === 'talking' || this.#phase.kind === 'between')
  }

  #work(): void {
    if (this.#phase.kind !== 'between') return
    this.#connection.proceed()
    this.#phase = { kind: 'talking' }
  }

  #rest(): void {
    if (this.#connection.isStopping && this.#isSettled) {
      this.#connection.stopAfter(STOP_MS)
      return this.quit()
    }
    if (!this.#isInTurn) return
    if (this.#isSettled) return this.#endTurn()
    this.#phase = { kind: 'between' } // C2
    this.#awaitTurn()
  }

  /** OpenCode has replied to all that was said. */
  get #isSettled(): boolean {
    return this.#sayings.open.length === 0 && this.#state.last?.answered === true
  }

  #awaitTurn(): void {
    const failed = this.#state.error !== undefined && this.#sayings.open.length === 0
    this.#connection.within(failed ? LAST_WORDS_MS : NEXT_TURN_MS, () => this.#endTurn()) // C3
  }

  #endTurn(): void {
    const { usage, error, lastText: summary } = this.#state
    this.#connection.proceed()
    this.#connection.say(message({ type: 'usage', ...usage }))
    if (error) return this.#connection.end(error)
    const end = { kind: 'complete', success: true, usage, ...(summary !== undefined && { summary }) } as const
    if (this.#mode !== 'plan') return this.#connection.end(end)
    // A new name for each: the same plan comes again if what was said about it begins no turn.
    const id = `plan/${crypto.randomUUID()}`
    this.#phase = { kind: 'planned', end, id }
    void this.#requests.take({ kind: 'plan', id, properties: { plan: summary ?? '' } })
  }

  #hearPlanAnswer(answer: string): void {
    if (this.#phase.kind !== 'planned') return
    const { end, id } = this.#phase
    if (answer === REJECT || answer === '') return this.#connection.end(end)
    const mode = answer === APPROVE ? 'ask' : answer === APPROVE_EDITS ? 'accept_edits' : 'plan'
    this.#say({ id, text: mode === 'plan' ? answer : 'Carry out the plan.', followUp: false, mode })
  }

  follow({ id, content }: FollowUp): void {
    this.#say({ id, text: content, followUp: true, mode: this.#mode })
  }

  /** Whatever is said comes before the answer about a plan. */
  #say(said: Said): void {
    this.#sayings.add(said)
    this.#mode = said.mode
    if (this.#phase.kind === 'planned') {
      this.#requests.withdraw(this.#phase.id)
      this.#phase = { kind: 'between' }
    }
    if (this.#phase.kind === 'between') this.#awaitTurn()
    if (this.#phase.kind !== 'opening') this.#write(said)
  }

  /** First the turn, which ends its commands, then the program. */
  stop(): void {
    const { opened } = this.#state
    if (opened) void this.#connection.write(abortLine(opened.sessionId))
    else this.quit()
  }

  /** OpenCode stores the conversation as it goes. */
  quit(): void {
    this.#connection.signal('SIGTERM')
  }

  withdraw(): void {
    this.#requests.withdrawAll()
  }

  finish(): undefined {
    this.#takeAll(closeState(this.#state))
  }

  unheard(): string[] {
    return this.#sayings.unheard()
  }
}
