/** What the host gives a plugin: processes, the log, people. */
import type { MessageBody, QuestionKind, QuestionOption } from '../../contract/messages.ts'
import type { AgentSettings } from './agent.ts'

/** What a plugin says; `complete` and the closing `error` come from what `run` returns. */
export type AgentMessage = Exclude<MessageBody, { type: 'userMessage' | 'userQuestion' | 'userAnswer' | 'complete' }>

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** Added to the environment of the session. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the worktree. */
  readonly cwd?: string
  /**
   * `none` (default): empty. `content`: this text, then end of file. `live`: `write` sends lines while it runs; it
   * never sees end of file, so such a program is ended by a signal.
   */
  readonly stdin?: 'none' | 'live' | { readonly content: string }
}

export interface OutputLine {
  readonly stream: 'stdout' | 'stderr'
  /** Without its line end; invalid UTF-8 is replaced by U+FFFD. Lines over 8 MiB never come: the host logs them as `raw`. */
  readonly text: string
}

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal?: string
}

/** A process of the session, run by the host in the session's sandbox. */
export interface AgentProcess {
  /**
   * Both streams, each in order; ends after the process has ended and all was read. Iterate it, or `batches`, once.
   *
   * Asking for the next line says that the plugin is done with this one: what it made of it was emitted, or is in its checkpoint.
   * In a continued session the lines go on after the last one whose messages are committed. So that a line's messages are
   * committed with it, never half of them, a plugin that continues does not wait for anything but `emit` while it works on a line.
   */
  readonly lines: AsyncIterable<OutputLine>
  /** The same lines, those of one stream that arrived together at once; for plugins that join them. */
  readonly batches: AsyncIterable<readonly OutputLine[]>
  readonly exited: Promise<Exit>
  /** Only with `stdin: 'live'`. */
  write(text: string): Promise<void>
  /** Sends a signal to the program itself. */
  signal(name: 'SIGINT' | 'SIGTERM'): Promise<void>
  /** Ends the program and everything it started; settles when all are gone. */
  stop(): Promise<Exit>
}

export interface Ask {
  /**
   * A stable name of the question within the session, for plugins that continue. Asked again under its key by a continued
   * session, it is the same question: people do not see it twice, and an answer that was given meanwhile settles it.
   */
  readonly key?: string
  readonly kind: QuestionKind
  readonly question: string
  readonly options?: readonly QuestionOption[]
  readonly multiple?: boolean
}

export interface FollowUp {
  /** Stable, unique within the session: a continued session may get a follow-up again, under the same id. */
  readonly id: string
  readonly content: string
}

export interface SessionIo {
  /** Aborts when the session shall stop. */
  readonly signal: AbortSignal
  /**
   * Starts a process of the session. In a continued session (`Session.checkpoint` is set) call number n, counted from 0, gives
   * back the process that was number n, running or ended, as long as there were that many; its output goes on after what is committed.
   */
  spawn(command: Command): Promise<AgentProcess>
  /**
   * Adds a message to the log. Awaiting it is backpressure: it settles when there is room for more; a plugin that works on a
   * line need not wait, because it gets the next line only then. An invalid message ends the session with PLUGIN_MESSAGE.
   */
  emit(message: AgentMessage): Promise<void>
  /** Shows a live fragment; dropped when nobody watches. */
  delta(type: 'text' | 'thinking', content: string): void
  /**
   * Asks a person. Settles with the answer: an option's label (several joined by ", ") or free text. Waits for as
   * long as it takes.
   * @throws when `withdraw` aborts (the agent no longer wants to know) or the session stops.
   */
  ask(question: Ask, withdraw?: AbortSignal): Promise<string>
  /**
   * What people say to the agent while it works; ends when the session stops. Iterate it once. Asking for the next one
   * acknowledges the one before: until then it is handed over again when the session is continued.
   */
  readonly followUps: AsyncIterable<FollowUp>
  /**
   * A small JSON value that is committed with the messages around it: those that were emitted before, and those that follow
   * without a wait; if there are none, some milliseconds later. Given back as `Session.checkpoint` when the session is continued; a
   * session without one is not. One that is the same as before costs nothing.
   */
  checkpoint(state: unknown): void
  /**
   * Settles when all messages and checkpoints so far are committed: what must not happen twice is remembered first, and done then.
   * Not to be awaited while working on a line.
   */
  committed(): Promise<void>
  /** For the log of the host, not of the session. */
  debug(text: string): void
}

export interface DetectIo {
  readonly settings: AgentSettings
  /** The absolute path of a program in PATH (or of `program` itself if it is a path), if it can be run. */
  find(program: string): Promise<string | undefined>
  /** Runs a program to its end, at most 10 s and 1 MiB of output. */
  run(program: string, args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }>
  /** True when the user has given this secret; its value stays with the host. */
  hasSecret(name: string): Promise<boolean>
  /** True when the file exists; a leading `~/` is the user's home. */
  fileExists(path: string): Promise<boolean>
}
