/**
 * One session of a plugin under check: the real plugin host, real processes, a log that is kept in memory.
 *
 * Owns the session's folder and processes; disposing ends them all. Several lives of a host can run it, one after another, each
 * from what the one before committed.
 */
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import { type MessageBody, messageBody } from '../contract/messages.ts'
import type { Session } from '../plugin/contract/agent.ts'
import type { Ask, Command, FollowUp } from '../plugin/contract/io.ts'
import type { Draft, HostIo, HostProcess, Progress } from '../plugin/host-io.ts'
import type { PluginEnd, PluginHost } from '../plugin/plugin-host.ts'
import { toQuestionServer } from '../question-server/question-server.ts'
import { FollowUps } from '../runner/follow-ups.ts'
import { QuestionFolder } from '../runner/question-folder.ts'
import { Questions, questionIdOf } from '../runner/questions.ts'
import { SessionProcesses } from '../runner/session-processes.ts'
import type { FolderWatches } from '../sandbox/folder-watches.ts'
import type { ProcessSandbox } from '../sandbox/process-sandbox.ts'

export interface CheckedSessionOptions {
  /** For reports. */
  readonly scene: string
  readonly host: PluginHost
  readonly sandbox: ProcessSandbox
  /** Given for an agent that is offered the question server. */
  readonly watches?: FolderWatches
  readonly logger: Logger
  /** A folder of its own. */
  readonly folder: string
  /** The whole environment of its processes. */
  readonly env: Readonly<Record<string, string>>
  readonly session: Omit<Session, 'sessionId' | 'scratchDir'>
  /** What people answer; default: nobody does. */
  readonly answer?: (ask: Ask) => string
  /** The plugin has taken what a person said. */
  readonly onFollowUp?: () => void
  /** How long a session may go on after its last process has ended. */
  readonly patienceMs: number
}

/** How a session ended. */
export type Outcome =
  | { readonly kind: 'ended'; readonly end: PluginEnd }
  /** Its program had ended, and it did not. */
  | { readonly kind: 'endless' }
  /** It neither started a program nor ended. */
  | { readonly kind: 'idle' }

/** A session is given up after this, whatever its program does. */
const LONGEST_MS = 120_000
const POLL_MS = 20
/** Nobody looks at more of one text. */
const KEPT_CHARACTERS = 64 * 1024

export class CheckedSession implements AsyncDisposable {
  readonly #options: CheckedSessionOptions
  readonly #processes: SessionProcesses
  readonly #questions = new Questions()
  readonly #questionFolder: QuestionFolder | undefined
  readonly #followUps: FollowUps
  readonly #stop = new AbortController()
  readonly #sessionId = newId()
  readonly messages: MessageBody[] = []
  readonly commands: Command[] = []
  readonly asked: Ask[] = []
  /** What was committed last. */
  progress: Progress | undefined
  #running = 0
  #quietSince = performance.now()
  #outcome: Outcome | undefined
  #lastFollowUp = 0
  /** How many questions were open when the agent said its last text. */
  openAtLastText = 0
  /** On the clock of `performance.now()`. */
  endedAt = 0

  constructor(options: CheckedSessionOptions) {
    this.#options = options
    const { sandbox, watches, folder, env, logger, onFollowUp } = options
    const run = join(folder, 'run')
    this.#processes = new SessionProcesses({ sandbox, folder: run, env: () => env, logger })
    this.#followUps = new FollowUps({ unread: [], onRead: () => onFollowUp?.() })
    const ask = (question: Ask, withdraw: AbortSignal) => this.#ask(question, withdraw)
    this.#questionFolder = watches && new QuestionFolder({ folder: run, watches, clock: systemClock, logger, ask })
  }

  get scene(): string {
    return this.#options.scene
  }

  get agent(): string {
    return this.#options.session.agent
  }

  get workDir(): string {
    return this.#options.session.workDir
  }

  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  /** The texts that the agent has said. */
  get texts(): string[] {
    return this.messages.flatMap((message) => (message.type === 'text' ? [message.content] : []))
  }

  /** Questions that nobody has answered or taken back. */
  get openQuestions(): number {
    return this.#questions.waiting
  }

  prepare(): void {
    this.#processes.prepare()
    this.#questionFolder?.open()
  }

  say(content: string): void {
    this.#followUps.push({ id: `follow-up-${++this.#lastFollowUp}`, content })
  }

  stop(): void {
    this.#stop.abort()
  }

  /** True once `holds`; false when the session has ended before. */
  async until(holds: () => boolean): Promise<boolean> {
    while (!holds()) {
      if (this.#outcome) return false
      await sleep(POLL_MS)
    }
    return true
  }

  /** Runs it to its end. A host that lets it have only so many batches dies over the next; then there is no outcome. */
  async run(host = this.#options.host, batchesToLive = Infinity): Promise<Outcome | undefined> {
    const died = Promise.withResolvers<undefined>()
    const end = host.run({
      session: this.#session(),
      io: this.#io(batchesToLive, () => died.resolve(undefined)),
      signal: this.#stop.signal,
      ...(this.progress && { progress: this.progress }),
    })
    const over = end.then((known): Outcome => ({ kind: 'ended', end: known }))
    this.#outcome = await Promise.race([over, died.promise, this.#lateness(over)])
    this.endedAt = performance.now()
    return this.#outcome
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    this.#questions.withdrawAll()
    this.#followUps.close()
    this.#questionFolder?.[Symbol.dispose]()
    await this.#processes[Symbol.asyncDispose]()
  }

  #session(): Session {
    return {
      ...this.#options.session,
      sessionId: this.#sessionId,
      scratchDir: this.#processes.scratch,
      ...(this.#questionFolder && { questionServer: toQuestionServer(this.#questionFolder.path) }),
      ...(this.progress && { checkpoint: this.progress.checkpoint }),
    }
  }

  #io(batchesToLive: number, die: () => void): HostIo {
    let left = batchesToLive
    const start = this.#processes.handTo({
      cwd: this.#options.session.workDir,
      offsets: this.progress?.offsets ?? [],
      onOutput: () => {},
      assertHolds: () => {},
    })
    return {
      spawn: (command) => this.#spawn(command, start),
      append: (drafts, progress) => {
        if (left-- > 0) return Promise.resolve(this.#append(drafts, progress))
        die()
        return new Promise(() => {})
      },
      delta: () => {},
      ask: (ask, withdraw) => this.#ask(ask, withdraw),
      followUps: this.#followUps satisfies AsyncIterable<FollowUp>,
      debug: (text) => this.#options.logger.debug({ scene: this.scene }, text),
    }
  }

  async #spawn(command: Command, start: (command: Command) => Promise<HostProcess>): Promise<HostProcess> {
    this.commands.push(command)
    const process = await start(command)
    this.#running++
    void process.exited.finally(() => {
      this.#running--
      this.#quietSince = performance.now()
    })
    return process
  }

  #append(drafts: readonly Draft[], progress: Progress): void {
    this.messages.push(...drafts.map(({ json }) => messageBody.parse(JSON.parse(json, cut))))
    if (drafts.some(({ type }) => type === 'text')) this.openAtLastText = this.openQuestions
    this.progress = progress
    this.#quietSince = performance.now()
  }

  async #ask(ask: Ask, withdraw: AbortSignal): Promise<string> {
    const id = questionIdOf(this.#sessionId, ask.key)
    if (!this.#questions.knows(id)) {
      this.#questions.open(id)
      this.asked.push(ask)
    }
    withdraw.addEventListener('abort', () => this.#questions.withdraw(id), { once: true })
    if (this.#options.answer) this.#questions.answer(id, this.#options.answer(ask))
    return this.#questions.answerTo(id)
  }

  async #lateness(over: Promise<unknown>): Promise<Outcome> {
    const begun = performance.now()
    let settled = false
    void over.then(() => (settled = true))
    for (;;) {
      await sleep(POLL_MS)
      const now = performance.now()
      const quiet = this.#running === 0 && now - this.#quietSince > this.#options.patienceMs
      if (settled || quiet || now - begun > LONGEST_MS) {
        return { kind: this.commands.length > 0 ? 'endless' : 'idle' }
      }
    }
  }
}

const cut = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > KEPT_CHARACTERS ? value.slice(0, KEPT_CHARACTERS) : value
