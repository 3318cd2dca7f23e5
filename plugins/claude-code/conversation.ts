/**
 * Owns what is said to one running Claude Code, what it asks, and when it is at its end.
 * C1 The session is over after a result that leaves nothing more to be taken up; the last result decides how it ended.
 * C2 A message in mid-session is sent at once; the end waits until Claude Code has taken it up (see prompts.ts).
 * C3 What may not have arrived before a crash is written again: Claude Code ignores what it has (see line-id.ts).
 */
import type { Connection, Conversation, FollowUp, Requests, RunEnd } from 'troupe/plugin'
import { toLineId } from './line-id.ts'
import { type Memory, type Phase, beginning } from './memory.ts'
import { parseLine } from './parse.ts'
import { Prompts } from './prompts.ts'
import { endLine, interruptLine, userLine } from './protocol.ts'
import { makeRequests } from './questions.ts'
import { type AgentRequest, type Parsed, type ParsedEvent, type ParseState, closeState } from './state.ts'
import { toStored } from './stored-requests.ts'

/** A queued message begins its turn at once; this long after a result means that it never will. */
const NEXT_TURN_MS = 10_000
/** The same for a version that does not report what became of messages: most often they were in the turn that ended. */
const UNREPORTED_MS = 2000

export class ClaudeConversation implements Conversation<Memory> {
  readonly #connection: Connection
  readonly #prompts: Prompts
  readonly #requests: Requests<AgentRequest>
  #state: ParseState
  #phase: Phase

  constructor(connection: Connection, { state, phase, prompts, requests }: Memory = beginning(connection.session)) {
    this.#connection = connection
    this.#state = state
    this.#phase = phase
    this.#prompts = new Prompts(prompts)
    this.#requests = makeRequests(connection, requests)
  }

  save(): Memory {
    const [prompts, requests] = [this.#prompts.save(), toStored(this.#requests.save())]
    return { state: this.#state, phase: this.#phase, prompts, requests }
  }

  begin(): void {
    const { prompt } = this.#connection.session
    for (const { id, followUp } of this.#prompts.sent()) void this.#connection.write(userLine(id, followUp ?? prompt))
    this.#requests.resume()
    if (this.#phase.kind === 'between') this.#awaitTurn(this.#phase.end)
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
      case 'request':
        return void this.#requests.take(event.request)
      case 'withdraw':
        return void this.#requests.withdraw(event.requestId)
      case 'turnBegin':
        return this.#beginTurn()
      case 'fate':
        return this.#noteFate(event)
      case 'turnEnd':
        return this.#endTurn(event.end)
      default:
        return this.#connection.say(event)
    }
  }

  #beginTurn(): void {
    this.#prompts.beginTurn()
    if (this.#phase.kind !== 'between') return
    this.#connection.proceed()
    this.#connection.passOver(this.#phase.end)
    this.#phase = { kind: 'talking' }
  }

  #noteFate({ id, fate }: Extract<ParsedEvent, { kind: 'fate' }>): void {
    this.#prompts.note(id, fate)
    if (fate === 'dropped' && this.#phase.kind === 'between') this.#endTurn(this.#phase.end)
  }

  #endTurn(end: RunEnd): void {
    if (this.#connection.isStopping) return this.quit()
    this.#prompts.settleTurn()
    if (!this.#prompts.waiting) return this.#connection.end(end) // C1
    this.#phase = { kind: 'between', end } // C2
    this.#awaitTurn(end)
  }

  #awaitTurn(end: RunEnd): void {
    this.#connection.within(this.#prompts.reported ? NEXT_TURN_MS : UNREPORTED_MS, () => this.#connection.end(end))
  }

  follow({ id, content }: FollowUp): void {
    const line = toLineId(id)
    this.#prompts.add(line, content)
    void this.#connection.write(userLine(line, content))
  }

  /** First the turn, so that its last words are stored, then the program. */
  stop(): void {
    void this.#connection.write(interruptLine())
  }

  quit(): void {
    void this.#connection.write(endLine())
  }

  withdraw(): void {
    this.#requests.withdrawAll()
  }

  finish(): RunEnd | undefined {
    this.#takeAll(closeState(this.#state))
    return this.#phase.kind === 'between' ? this.#phase.end : undefined
  }

  unheard(): string[] {
    return this.#prompts.unheard()
  }
}
