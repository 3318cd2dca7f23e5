/**
 * Owns a session: what is said to Aider, turn by turn, and when it is over.
 * C1 Each turn is a process of its own, which finds in the conversation's file what was said before. Which turn runs is committed
 *    before its process is started, so after a crash the turn goes on in its process, and nothing is said twice.
 * C2 A message in mid-session is said in the next turn, together with others that came meanwhile. With the end of the run are
 *    handed back those that came too late.
 * C3 What is remembered changes together with the messages of a line.
 * C4 A stop interrupts the turn, so that what was said is in the conversation's file; after some seconds its process is ended.
 * C5 No process is started where files of the repository would run code, unless a person has allowed it (see trust.ts).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import {
  type AgentProcess,
  type OutputLine,
  type ProgramNames,
  type RunEnd,
  type Session,
  type SessionIo,
  Deadline,
  addToTail,
  withProgram,
} from 'troupe/plugin'
import { type Phase, type Remembered, type Saying, nextTurn, toCheckpoint } from './checkpoint.ts'
import { messageFile, toCommand } from './command.ts'
import { INSTALL_HINT } from './detect.ts'
import { toEnd } from './end.ts'
import { parseLine } from './parse.ts'
import { isCommand } from './modes.ts'
import { type Answer, APPROVE, APPROVE_EDITS, type Prompt, REJECT, planAsk } from './question.ts'
import { Questions } from './questions.ts'
import { type ParsedEvent, type ParseState, inTurn } from './state.ts'
import { closeCommand } from './text.ts'
import { TRUST, findLoaded, isCache, removeLitter, trustAsk } from './trust.ts'

/** How long an interrupted turn may take to end; the host's own patience is a few seconds. */
const INTERRUPT_MS = 2000
const STOPPED: RunEnd = { kind: 'stopped' }

export class Conversation {
  readonly #session: Session
  readonly #io: SessionIo
  readonly #names: ProgramNames
  #now: Remembered
  /** What was remembered last. */
  #remembered: string
  /** Aborts when something was said that comes before the question about the plan. */
  #planning: AbortController | undefined

  constructor(session: Session, io: SessionIo, from: Remembered) {
    this.#session = session
    this.#io = io
    this.#now = from
    this.#remembered = JSON.stringify(session.checkpoint)
    this.#names = { title: 'Aider', program: session.settings.program ?? 'aider', install: INSTALL_HINT }
  }

  /** Settles when there is nothing more to say to Aider. */
  async hold(): Promise<RunEnd> {
    const followUps = this.#io.followUps[Symbol.asyncIterator]()
    void this.#listen(followUps).catch((error: unknown) =>
      this.#io.debug(`No more messages to Aider: ${String(error)}`),
    )
    try {
      await this.#passOver()
      while (this.#now.phase.kind !== 'over' && !this.#io.signal.aborted) await this.#step(this.#now.phase)
      return this.#end
    } catch (error) {
      if (this.#io.signal.aborted) return this.#end
      throw error
    } finally {
      void followUps.return?.()
    }
  }

  /** The processes of the turns before are counted too. */
  async #passOver(): Promise<void> {
    for (let turn = 0; turn < this.#now.turn; turn++) await this.#io.spawn(this.#command(turn, 'ask'))
  }

  #command(turn: number, mode: Saying['mode']) {
    return toCommand({ session: this.#session, turn, conversation: this.#now.state.conversation, mode })
  }

  async #step(phase: Phase): Promise<void> {
    if (phase.kind === 'due') await this.#beginTurn(phase.saying)
    else if (phase.kind === 'running') await this.#runTurn(phase)
    else if (phase.kind === 'planned') await this.#discuss(phase.end)
  }

  // C2
  get #end(): RunEnd {
    const { phase, said } = this.#now
    const end = phase.kind === 'over' ? phase.end : STOPPED
    return said.length > 0 ? { ...end, unheard: said } : end
  }

  // C5
  async #beginTurn(saying: Saying): Promise<void> {
    const loaded = await findLoaded(this.#session.workDir)
    if (loaded.length > 0 && !(await this.#isTrusted(loaded))) {
      const unsaid = saying.text === undefined ? [] : [saying.text]
      return this.#remember({ phase: { kind: 'over', end: refused(loaded) }, said: [...unsaid, ...this.#now.said] })
    }
    await mkdir(this.#session.scratchDir, { recursive: true, mode: 0o700 })
    await writeFile(messageFile(this.#session, this.#now.turn), toMessage(saying.text ?? this.#session.prompt), {
      mode: 0o600,
    })
    this.#remember({ phase: { kind: 'running', saying, ownCache: !loaded.some(isCache) } })
    await this.#io.committed() // C1
  }

  async #isTrusted(loaded: readonly string[]): Promise<boolean> {
    return (await this.#io.ask({ key: `trust/${this.#now.turn}`, ...trustAsk(loaded) })) === TRUST
  }

  async #runTurn({ saying, ownCache }: Extract<Phase, { kind: 'running' }>): Promise<void> {
    const command = this.#command(this.#now.turn, saying.mode)
    const talk = (process: AgentProcess) => this.#talk(process, saying)
    const end = await withProgram(this.#io, { command, names: this.#names, talk })
    if (ownCache) await removeLitter(this.#session.workDir)
    if (end.kind !== 'stopped') this.#goOn(end, saying)
  }

  async #talk(process: AgentProcess, { mode }: Saying): Promise<RunEnd> {
    using deadline = new Deadline()
    const stop = () => this.#interrupt(process, deadline)
    this.#io.signal.addEventListener('abort', stop, { once: true })
    if (this.#io.signal.aborted) stop()
    const onAnswer = (prompt: Prompt, answer: Answer) => this.#noteAnswer(prompt, answer)
    const questions = new Questions({ io: this.#io, process, mode, turn: this.#now.turn, onAnswer })
    questions.resume(this.#now.state.turn.prompts)
    try {
      for await (const line of process.lines) this.#hear(line, questions)
      const exit = await process.exited
      const { state, events } = closeCommand(this.#now.state)
      this.#takeAll(state, events, questions)
      return this.#io.signal.aborted ? STOPPED : toEnd(state, { exit, at: Date.now() }, this.#names)
    } finally {
      this.#io.signal.removeEventListener('abort', stop)
      questions.withdrawAll()
    }
  }

  // C4
  #interrupt(process: AgentProcess, deadline: Deadline): void {
    const note = (error: unknown) => this.#io.debug(`Stop: ${String(error)}`)
    void process.signal('SIGINT').catch(note)
    deadline.arm(INTERRUPT_MS, () => void process.stop().catch(note))
  }

  #hear({ stream, text }: OutputLine, questions: Questions): void {
    const { state } = this.#now
    if (stream === 'stdout') {
      const parsed = parseLine(state, text)
      return this.#takeAll(parsed.state, parsed.events, questions)
    }
    void this.#io.emit({ type: 'raw', stream, content: text })
    this.#remember({ state: inTurn(state, { stderr: addToTail(state.turn.stderr, text) }) })
  }

  // C3
  #takeAll(state: ParseState, events: readonly ParsedEvent[], questions: Questions): void {
    for (const event of events) {
      if (event.kind === 'message') void this.#io.emit(event.message)
      else if (event.kind === 'withdraw') questions.withdraw(event.number)
    }
    this.#remember({ state })
    for (const event of events) if (event.kind === 'ask') questions.take(event.prompt)
  }

  /** Before the answer is given. */
  #noteAnswer({ number, question }: Prompt, { letter, remark }: Answer): void {
    const { state, said } = this.#now
    // Words of a command are told apart from those of the model once one was allowed.
    const commandsAllowed = state.turn.commandsAllowed || (letter !== 'n' && isCommand(question))
    const isNew = remark !== undefined && number > state.turn.remarked
    const turn = { commandsAllowed, ...(isNew && { remarked: number }) }
    this.#remember({ state: inTurn(state, turn), ...(isNew && { said: [...said, remark] }) })
  }

  /** After a turn: what people said meanwhile is said next (C2). */
  #goOn(end: RunEnd, { mode }: Saying): void {
    const { said, state } = this.#now
    if (end.kind === 'complete') void this.#io.emit({ type: 'usage', ...state.usage })
    if (said.length > 0) {
      if (end.kind === 'error')
        void this.#io.emit({ type: 'error', code: end.code, message: end.message, retryable: true })
      return this.#say({ text: said.join('\n\n'), mode })
    }
    const planned = mode === 'plan' && end.kind === 'complete'
    this.#remember({ phase: planned ? { kind: 'planned', end } : { kind: 'over', end } })
  }

  #say(saying: Saying): void {
    this.#remember({ ...nextTurn(this.#now, saying), said: [] })
  }

  async #discuss(end: Extract<RunEnd, { kind: 'complete' }>): Promise<void> {
    const answer = await this.#askAboutPlan(end.summary ?? '')
    const { said } = this.#now
    if (answer === undefined) return this.#say({ text: said.join('\n\n'), mode: 'plan' })
    if (answer === APPROVE) return this.#say({ text: BEGIN, mode: 'ask' })
    if (answer === APPROVE_EDITS) return this.#say({ text: BEGIN, mode: 'accept_edits' })
    if (answer === REJECT || answer === '') return this.#remember({ phase: { kind: 'over', end } })
    return this.#say({ text: answer, mode: 'plan' })
  }

  /** Undefined when something else was said instead. */
  async #askAboutPlan(plan: string): Promise<string | undefined> {
    const planning = new AbortController()
    this.#planning = planning
    try {
      return (await this.#io.ask({ key: `plan/${this.#now.turn}`, ...planAsk(plan) }, planning.signal)).trim()
    } catch (error) {
      if (!planning.signal.aborted) throw error
      return undefined
    } finally {
      this.#planning = undefined
    }
  }

  async #listen(followUps: AsyncIterator<{ readonly id: string; readonly content: string }>): Promise<void> {
    for (let next = await followUps.next(); !next.done; next = await followUps.next()) {
      const { id, content } = next.value
      if (id === this.#now.lastFollowUp) continue // It came before a crash, and is remembered.
      this.#remember({ lastFollowUp: id, said: [...this.#now.said, content] })
      this.#planning?.abort()
    }
  }

  #remember(change: Partial<Remembered>): void {
    this.#now = { ...this.#now, ...change }
    const checkpoint = toCheckpoint(this.#now)
    const remembered = JSON.stringify(checkpoint)
    if (remembered === this.#remembered) return
    this.#remembered = remembered
    this.#io.checkpoint(checkpoint)
  }
}

const BEGIN = 'Make the changes that you planned.'

/** A message that begins with one of these is a command to Aider, or one of the shell. */
const toMessage = (text: string): string => (/^[/!]/.test(text) ? ` ${text}` : text).toWellFormed()

const refused = (loaded: readonly string[]): RunEnd => ({
  kind: 'error',
  code: 'AGENT_SETTINGS',
  message: `Aider was not started, because it would load ${loaded.join(', ')} of the repository. Remove what is not wanted, or allow it when it is asked.`,
})
