/**
 * Owns what is said to one running Codex, what it asks, and when it is at its end.
 * C1 The session is over after a turn that leaves nothing more to be said; the last turn decides how it ended.
 * C2 A message in mid-session is said at once; the end waits until it is part of the conversation (see sayings.ts).
 * C3 Every wait for Codex has a bound, or is one for its work, which the host watches.
 * C4 After a crash nothing is said twice (see speech.ts); all other lines do no harm when they come twice.
 */
import type { Connection, Conversation, FollowUp, Requests, RunEnd, Session } from 'troupe/plugin'
import { type Memory, type Phase, beginning } from './memory.ts'
import { parseLine } from './parse.ts'
import { accountLine, cleanLine, greetLine, interruptLine, openLine } from './protocol.ts'
import { isAnsweredBySaying, makeRequests } from './questions.ts'
import { type Said, Sayings } from './sayings.ts'
import { Speech } from './speech.ts'
import { type AgentRequest, type Parsed, type ParsedEvent, type ParseState, closeState } from './state.ts'

/** How long Codex may take for each answer before it works. */
const OPEN_MS = 60_000
/** How long each step of a stop may take; the host's own patience is a few seconds. */
const STOP_MS = 2000
/** What was said begins its turn at once; this long after a turn means that it never will. */
const NEXT_TURN_MS = 10_000

/** The requests before the work. */
const SETUP: Record<'greeting' | 'signingIn' | 'opening', (session: Session) => string> = {
  greeting: greetLine,
  signingIn: accountLine,
  opening: openLine,
}

export class CodexConversation implements Conversation<Memory> {
  readonly #connection: Connection
  readonly #sayings: Sayings
  readonly #speech: Speech
  readonly #requests: Requests<AgentRequest>
  #state: ParseState
  #phase: Phase

  constructor(connection: Connection, { state, phase, sayings, requests }: Memory = beginning(connection.session)) {
    this.#connection = connection
    this.#state = state
    this.#phase = phase
    this.#sayings = new Sayings(sayings)
    this.#speech = new Speech(connection, this.#sayings)
    this.#requests = makeRequests(connection, { saved: requests, say: (said) => this.#say(said) })
  }

  save(): Memory {
    const [sayings, requests] = [this.#sayings.save(), this.#requests.save()]
    return { state: this.#state, phase: this.#phase, sayings, requests }
  }

  begin(): void {
    this.#requests.resume()
    if (this.#phase.kind === 'between') this.#awaitTurn(this.#phase.end)
    else if (this.#phase.kind !== 'talking') this.#setUp(this.#phase.kind)
    if (this.#state.opened) this.#speech.open(this.#state.opened)
  }

  #setUp(kind: keyof typeof SETUP): void {
    if (!this.#connection.isOpen) return
    this.#phase = { kind }
    this.#connection.stopAfter(OPEN_MS) // C3
    void this.#connection.write(SETUP[kind](this.#connection.session))
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
      case 'greeted':
        return this.#phase.kind === 'greeting' ? this.#setUp('signingIn') : undefined
      case 'signedIn':
        return this.#phase.kind === 'signingIn' ? this.#setUp('opening') : undefined
      case 'opened':
        return this.#open()
      case 'failed':
        return this.#connection.end(event.end)
      case 'ask':
        return void this.#requests.take(event.request)
      case 'withdraw':
        return void this.#requests.withdraw(`request/${event.id}`)
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
        return this.#connection.isStopping ? this.#stopStep() : undefined
      default:
        return this.#connection.say(event)
    }
  }

  #open(): void {
    if (!this.#connection.isOpen || !this.#state.opened) return
    this.#connection.proceed()
    this.#phase = { kind: 'talking' }
    this.#speech.open(this.#state.opened)
  }

  #accept({ id, turnId, reason = 'no reason given' }: Extract<ParsedEvent, { kind: 'accepted' }>): void {
    this.#sayings.accept(id, turnId)
    if (turnId !== undefined || this.#isAwaiting) return
    if (this.#phase.kind === 'between') this.#connection.end(this.#phase.end)
    if (this.#phase.kind === 'talking' && this.#phase.turnId === undefined) {
      this.#connection.end({ kind: 'error', code: 'AGENT_FAILED', message: `Codex does not begin: ${reason}.` })
    }
  }

  #beginTurn(turnId: string): void {
    if (this.#connection.isStopping) return this.#interrupt(turnId)
    if (!this.#connection.isOpen) return
    this.#connection.proceed()
    if (this.#phase.kind === 'between') this.#connection.passOver(this.#phase.end)
    this.#phase = { kind: 'talking', turnId }
  }

  #endTurn(turnId: string, end: RunEnd): void {
    const again = this.#sayings.endTurn(turnId)
    if (this.#connection.isStopping) return this.#clean()
    if (!this.#connection.isOpen) return
    if (!this.#isAwaiting) return this.#connection.end(end) // C1
    this.#phase = { kind: 'between', end } // C2
    this.#awaitTurn(end)
    for (const said of again) this.#speech.say(said)
  }

  /** Something that was said, or that a person will say, may still begin a turn. */
  get #isAwaiting(): boolean {
    return this.#sayings.waiting || this.#requests.save().some(isAnsweredBySaying)
  }

  /** A person may take as long as it takes. */
  #awaitTurn(end: RunEnd): void {
    if (this.#requests.save().some(isAnsweredBySaying)) return
    this.#connection.within(NEXT_TURN_MS, () => this.#connection.end(end)) // C3
  }

  /** First the turn, so that its last words are stored, then the program. A turn that is due is interrupted when it begins. */
  stop(): void {
    if (this.#phase.kind !== 'talking') return this.quit()
    if (this.#phase.turnId !== undefined) this.#interrupt(this.#phase.turnId)
  }

  #interrupt(turnId: string): void {
    this.#stopStep(this.#state.opened && interruptLine(this.#state.opened.threadId, turnId))
  }

  #clean(): void {
    this.#stopStep(this.#state.opened && cleanLine(this.#state.opened.threadId))
  }

  /** Without a line it is the last one. */
  #stopStep(line?: string): void {
    this.#connection.stopAfter(STOP_MS)
    if (line === undefined) this.quit()
    else void this.#connection.write(line)
  }

  /** Codex stores the conversation as it goes; the signal lets it end what it has begun. */
  quit(): void {
    this.#connection.signal('SIGTERM')
  }

  withdraw(): void {
    this.#requests.withdrawAll()
  }

  finish(): RunEnd | undefined {
    this.#takeAll(closeState(this.#state))
    return this.#phase.kind === 'between' ? this.#phase.end : undefined
  }

  unheard(): string[] {
    return this.#sayings.unheard()
  }

  follow({ id, content }: FollowUp): void {
    this.#say({ id, text: content, followUp: true })
  }

  #say(said: Said): void {
    const isNew = this.#sayings.add(said)
    if (this.#phase.kind === 'between') this.#awaitTurn(this.#phase.end)
    if (isNew) this.#speech.say(said)
  }
}
