/**
 * Owns the turns of one session: each is a process of its own that goes on with the conversation of the one before.
 * C1 What people say while a turn runs begins the next one; the last turn is the one after which nothing waits. What cannot be
 *    said any more is handed back with the end of the run.
 * C2 What is remembered changes together with the messages of a line, and is committed before the next turn begins.
 * C3 A turn ends by its program alone, but after a result or an interrupt it has only so much time for that.
 * C4 No turn begins before a person allowed what of the repository Amp would run then (see trust.ts).
 */
import {
  type AgentProcess,
  type FollowUp,
  type OutputLine,
  type RunEnd,
  type Session,
  type SessionIo,
  Deadline,
  addToTail,
  toExitError,
  withProgram,
} from 'troupe/plugin'
import { type Remembered, toCheckpoint } from './checkpoint.ts'
import { toCommand, toProgram } from './command.ts'
import { INSTALL_HINT } from './detect.ts'
import { ASKS_TO_SIGN_IN, notSignedIn, toKnownFailure } from './failure.ts'
import { closeTools, type Parsed, parseLine } from './parse.ts'
import { askTrust } from './trust.ts'

/** How long the program may take to end by itself after its result. */
const END_MS = 5000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 3000

export class Conversation {
  readonly #session: Session
  readonly #io: SessionIo
  readonly #deadline = new Deadline()
  #told: Remembered

  constructor(session: Session, io: SessionIo, from: Remembered) {
    this.#session = session
    this.#io = io
    this.#told = from
  }

  /** Settles when the last turn is over. */
  async hold(): Promise<RunEnd> {
    try {
      // One that is continued has begun its turn.
      const refusal = this.#session.checkpoint === undefined ? await this.#refusal(0) : undefined
      return this.#handBack(refusal ?? (await this.#takeTurns()))
    } catch (error) {
      if (!this.#io.signal.aborted) throw error
      return this.#handBack({ kind: 'stopped' })
    }
  }

  async #takeTurns(): Promise<RunEnd> {
    const followUps = this.#io.followUps[Symbol.asyncIterator]()
    void this.#forward(followUps)
    this.#remember()
    try {
      // Those of a continued session: its earlier processes are over, and come first.
      for (let turn = 0; turn < this.#told.turn; turn++) await this.#io.spawn(this.#command())
      for (;;) {
        const end = await this.#turn()
        if (this.#io.signal.aborted) return { kind: 'stopped' }
        const last = await this.#goOn(end)
        if (last) return last
      }
    } finally {
      this.#deadline.clear()
      void followUps.return?.()
    }
  }

  /** C4 Undefined when a turn may begin. */
  async #refusal(turn: number): Promise<RunEnd | undefined> {
    const trust = await askTrust(this.#session, this.#io, { turn, allowed: this.#told.allowed })
    if ('refusal' in trust) return trust.refusal
    this.#told = { ...this.#told, allowed: trust.allowed }
    return undefined
  }

  #command() {
    const thread = this.#told.state.agentSessionId ?? this.#session.resume?.agentSessionId
    return toCommand(this.#session, { prompt: this.#told.prompt, thread })
  }

  #turn(): Promise<RunEnd> {
    const names = { title: 'Amp', program: toProgram(this.#session), install: INSTALL_HINT }
    const talk = async (process: AgentProcess): Promise<RunEnd> => {
      const stop = () => this.#interrupt(process)
      this.#io.signal.addEventListener('abort', stop, { once: true })
      if (this.#io.signal.aborted) stop()
      try {
        for await (const line of process.lines) this.#hear(process, line)
        return this.#endOf(await process.exited, names)
      } finally {
        this.#deadline.clear()
        this.#io.signal.removeEventListener('abort', stop)
      }
    }
    return withProgram(this.#io, { command: this.#command(), names, talk })
  }

  /** C1 @returns The end, when nothing waits, or what waits cannot be said; else the next turn is due. */
  async #goOn(end: RunEnd): Promise<RunEnd | undefined> {
    const { queue, state, turn } = this.#told
    if (queue.length === 0 || state.agentSessionId === undefined) return end
    const refusal = await this.#refusal(turn + 1)
    if (refusal) return refusal
    // The end of the run says nothing about a turn before the last: an error in it is told here.
    if (end.kind === 'error')
      void this.#io.emit({ type: 'error', code: end.code, message: end.message, retryable: true })
    const { end: _, ...told } = this.#told
    this.#told = { ...told, turn: turn + 1, prompt: told.queue.join('\n\n'), queue: [], heard: false, stderr: '' }
    this.#remember()
    await this.#io.committed() // C2
    return undefined
  }

  #handBack(end: RunEnd): RunEnd {
    const { queue } = this.#told
    return queue.length > 0 ? { ...end, unheard: queue } : end
  }

  #hear(process: AgentProcess, { stream, text }: OutputLine): void {
    if (this.#told.end) return // What follows a result is an address to sign in at, or nothing that matters.
    if (stream === 'stderr') {
      this.#told = { ...this.#told, stderr: addToTail(this.#told.stderr, text) }
      void this.#io.emit({ type: 'raw', stream, content: text })
    } else if (ASKS_TO_SIGN_IN.test(text)) this.#told = { ...this.#told, end: notSignedIn('no access token found') }
    else this.#say(parseLine(this.#told.state, text))
    this.#remember() // C2
    if (this.#told.end) this.#stopAfter(process, this.#told.end.kind === 'complete' ? END_MS : 0)
  }

  #say({ state, messages, end }: Parsed): void {
    this.#told = { ...this.#told, state, heard: true, ...(end && { end }) }
    for (const message of messages) void this.#io.emit(message)
  }

  #interrupt(process: AgentProcess): void {
    void process.signal('SIGINT').catch((error: unknown) => this.#note(error))
    this.#stopAfter(process, INTERRUPT_MS)
  }

  #stopAfter(process: AgentProcess, ms: number): void {
    this.#deadline.arm(ms, () => void process.stop().catch((error: unknown) => this.#note(error))) // C3
  }

  #endOf(exit: Awaited<AgentProcess['exited']>, names: Parameters<typeof toExitError>[0]): RunEnd {
    const { end, stderr, heard } = this.#told
    this.#say(closeTools(this.#told.state))
    this.#remember()
    return end ?? toKnownFailure(stderr) ?? toExitError(names, exit, { anything: heard, stderr })
  }

  async #forward(followUps: AsyncIterator<FollowUp>): Promise<void> {
    try {
      for (let next = await followUps.next(); !next.done; next = await followUps.next()) this.#queue(next.value)
    } catch (error) {
      this.#note(error)
    }
  }

  #queue({ id, content }: FollowUp): void {
    if (id === this.#told.lastFollowUp) return // It came before a crash, and waits or was said.
    this.#told = { ...this.#told, queue: [...this.#told.queue, content], lastFollowUp: id }
    this.#remember()
  }

  #remember(): void {
    this.#io.checkpoint(toCheckpoint(this.#told))
  }

  #note(error: unknown): void {
    this.#io.debug(`Amp: ${String(error)}`)
  }
}
