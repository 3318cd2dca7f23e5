/**
 * The session of one program with which a plugin converses.
 *
 * Owns how far it is (open, ending, stopping, over), the bound of what is waited for, and the session's checkpoint.
 *
 * C1 The program is ended by us alone: when the conversation is at its end, or the session stops. Else its exit is an error.
 * C2 Every wait for the program to end has a bound; after it the program is stopped. So has what the conversation waits for.
 * C3 What is remembered changes together with the messages of a line, and before anything that follows from it is written.
 * C4 That the session ends is committed before the program is: else a host that continues it could see the program end without
 *    knowing why. A stop is not remembered: the host asks for it again.
 * C5 A follow-up is handed over once, whatever crashes, and acknowledged as soon as that is remembered: one that is handed back with
 *    the end of the run, because it came too late or was not heard, is not the host's to hand back too.
 */
import type { RunEnd, Session } from './agent.ts'
import type { Connection, Conversation } from './connection.ts'
import { Deadline } from './deadline.ts'
import type { AgentProcess, Exit, FollowUp, OutputLine, SessionIo } from './io.ts'
import { type ProgramNames, addToTail, toExitError } from './program.ts'
import type { Remembered } from './remembered.ts'
import { type Spoken, message } from './spoken.ts'

/** How long the program may take to end by itself after it was asked to. */
const END_MS = 3000
/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000

type Phase = { readonly kind: 'open' | 'stopping' | 'over' } | { readonly kind: 'ending'; readonly end: RunEnd }

export interface Parts<Memory> {
  readonly session: Session
  readonly io: SessionIo
  readonly process: AgentProcess
  readonly names: ProgramNames
  readonly converse: (connection: Connection, memory: Memory | undefined) => Conversation<Memory>
}

export class ProgramSession<Memory> implements Connection {
  readonly session: Session
  readonly io: SessionIo
  readonly #names: ProgramNames
  readonly #process: AgentProcess
  readonly #conversation: Conversation<Memory>
  readonly #deadline = new Deadline()
  #told: Omit<Remembered<Memory>, 'memory' | 'end'>
  #phase: Phase

  constructor({ session, io, process, names, converse }: Parts<Memory>, { memory, end, ...told }: Remembered<Memory>) {
    this.session = session
    this.io = io
    this.#names = names
    this.#process = process
    this.#told = told
    this.#phase = end ? { kind: 'ending', end } : { kind: 'open' }
    this.#conversation = converse(this, memory)
  }

  async run(): Promise<RunEnd> {
    const followUps = this.io.followUps[Symbol.asyncIterator]()
    const stop = () => this.#stop()
    this.io.signal.addEventListener('abort', stop, { once: true })
    try {
      this.#begin()
      if (this.io.signal.aborted) stop()
      void this.#forward(followUps).catch((error: unknown) => this.#note('No more follow-ups', error))
      for await (const line of this.#process.lines) this.#hear(line)
      return this.#finish(await this.#process.exited)
    } finally {
      this.io.signal.removeEventListener('abort', stop)
      this.#release()
      void followUps.return?.()
    }
  }

  get isOpen(): boolean {
    return this.#phase.kind === 'open'
  }

  get isStopping(): boolean {
    return this.#phase.kind === 'stopping'
  }

  async write(line: string): Promise<void> {
    this.remember() // C3
    // A program that is gone cannot be written to, and its exit says more than this failure.
    await this.#process.write(line).catch((error: unknown) => this.#note('Write', error))
  }

  signal(name: 'SIGINT' | 'SIGTERM'): void {
    void this.#process.signal(name).catch((error: unknown) => this.#note('Signal', error))
  }

  say(spoken: Spoken): void {
    if (spoken.kind === 'delta') this.io.delta(spoken.type, spoken.content)
    else void this.io.emit(spoken.message)
  }

  remember(): void {
    if (this.#phase.kind === 'over') return
    const end = this.#phase.kind === 'ending' && { end: this.#phase.end }
    this.io.checkpoint({ ...this.#told, ...end, memory: this.#conversation.save() } satisfies Remembered<Memory>)
  }

  within(ms: number, otherwise: () => void): void {
    if (!this.isOpen) return
    const late = () => {
      otherwise()
      this.remember() // C3
    }
    this.#deadline.arm(ms, late) // C2
  }

  proceed(): void {
    if (this.isOpen) this.#deadline.clear()
  }

  stopAfter(ms: number): void {
    this.#deadline.arm(ms, () => void this.#process.stop().catch((error: unknown) => this.#note('Stop', error))) // C2
  }

  end(end: RunEnd): void {
    if (!this.isOpen) return
    this.#phase = { kind: 'ending', end }
    this.#conversation.withdraw()
    this.#quit()
  }

  passOver(end: RunEnd): void {
    if (end.kind === 'error')
      this.say(message({ type: 'error', code: end.code, message: end.message, retryable: true }))
  }

  #begin(): void {
    if (this.#phase.kind === 'ending') return this.#quit()
    this.remember() // C3
    this.#conversation.begin()
  }

  #hear({ stream, text }: OutputLine): void {
    if (stream === 'stderr') {
      this.#told = { ...this.#told, stderr: addToTail(this.#told.stderr, text) }
      this.say(message({ type: 'raw', stream, content: text }))
    } else {
      this.#told = { ...this.#told, heard: true }
      this.#conversation.hear(text)
    }
    this.remember() // C3
  }

  // C5
  async #forward(followUps: AsyncIterator<FollowUp>): Promise<void> {
    for (let next = await followUps.next(); !next.done; next = await followUps.next()) this.#follow(next.value)
  }

  #follow(followUp: FollowUp): void {
    if (followUp.id === this.#told.lastFollowUp) return // It came before a crash, and is remembered.
    this.#told = { ...this.#told, lastFollowUp: followUp.id }
    if (this.isOpen) this.#conversation.follow(followUp)
    else this.#told = { ...this.#told, missed: [...this.#told.missed, followUp.content] }
    this.remember()
  }

  // C4
  #quit(): void {
    this.#deadline.clear()
    this.remember()
    this.io.committed().then(
      () => this.#endProgram(),
      (error: unknown) => this.#note('The end', error),
    )
  }

  #endProgram(): void {
    if (this.#phase.kind !== 'ending') return
    this.stopAfter(END_MS)
    this.#conversation.quit()
  }

  #stop(): void {
    if (!this.isOpen) return
    this.#phase = { kind: 'stopping' }
    this.stopAfter(INTERRUPT_MS)
    this.#conversation.stop()
    this.#conversation.withdraw()
  }

  #finish(exit: Exit): RunEnd {
    const known = this.#conversation.finish()
    this.remember()
    const end = this.#toEnd(exit, known)
    const unheard = [...this.#conversation.unheard(), ...this.#told.missed] // C5
    return unheard.length > 0 ? { ...end, unheard } : end
  }

  // C1
  #toEnd(exit: Exit, known: RunEnd | undefined): RunEnd {
    if (this.#phase.kind === 'ending') return this.#phase.end
    if (this.#phase.kind !== 'open') return { kind: 'stopped' }
    const { heard, stderr } = this.#told
    return known ?? toExitError(this.#names, exit, { anything: heard, stderr })
  }

  #release(): void {
    this.#phase = { kind: 'over' }
    this.#deadline.clear()
    this.#conversation.withdraw()
  }

  #note(what: string, error: unknown): void {
    this.io.debug(`${what} (${this.#names.title}): ${String(error)}`)
  }
}
