/** What the engine and the handlers need from the machine that runs sessions; the runner implements it. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { AgentInfo, PluginInfo, Question, TaskDiff } from '../contract/records.ts'
import type { MergeStrategy, PermissionMode, SandboxKind, SessionOutcome } from '../contract/statuses.ts'
import type { Usage } from '../contract/messages.ts'
import type { AskedQuestion } from '../machines/effects.ts'

/** A task's place on disk, as the server knows it. */
export interface TaskPlace {
  readonly taskId: string
  readonly title: string
  readonly agent: string
  readonly repositoryPath: string
  readonly baseBranch: string
  readonly branchName: string
  readonly baseCommit?: string | undefined
  readonly worktreePath?: string | undefined
}

/** One session to run. */
export interface SessionSpec {
  readonly sessionId: string
  readonly place: TaskPlace
  readonly agent: string
  readonly model?: string | undefined
  readonly permissionMode: PermissionMode
  readonly sandbox: SandboxKind
  readonly prompt: string
  readonly resume?: string | undefined
  /** The last sequence number in the log of the session. */
  readonly lastSeq: number
  /** When it began, milliseconds since 1970. */
  readonly startedAt?: number | undefined
  /** It was told to stop before. */
  readonly stopping?: boolean | undefined
  /** What an earlier host stored with its messages: JSON text of the runner. */
  readonly progress?: string | undefined
  /** Those that people were shown. */
  readonly questions?: readonly KnownQuestion[] | undefined
}

/** A session that an earlier host left at work, and what it stored of it: as in `SessionSpec`. */
export type LeftSession = Pick<SessionSpec, 'sessionId' | 'progress'>

export type KnownQuestion = Pick<Question, 'id' | 'status' | 'answer'>

/** What the runner reports of a session; each is an event of the session's machine. */
export type SessionReport =
  | { readonly type: 'preparing' }
  | { readonly type: 'prepared'; readonly worktreePath: string; readonly baseCommit: string }
  | { readonly type: 'started'; readonly agentSessionId?: string | undefined }
  | { readonly type: 'asked'; readonly question: AskedQuestion }
  | { readonly type: 'withdrawn'; readonly questionId: string }
  | {
      readonly type: 'ended'
      readonly outcome: SessionOutcome
      readonly error?: ErrorEnvelope | undefined
      readonly usage?: Usage | undefined
      readonly endCommit?: string | undefined
      /** Follow-ups that came too late for this session. */
      readonly unheard?: readonly string[] | undefined
    }

/** A report of something that is in the log, to be delivered once: the engine takes one of an id only once. */
export interface PendingReport {
  readonly id: string
  readonly report: SessionReport
}

/** How a session ended, stored with its closing message: a start after a crash takes it from there. */
export interface SessionEnded {
  readonly ended: SessionReport & { readonly type: 'ended' }
  /** What came before the end, and is not known to be delivered. */
  readonly reports?: readonly PendingReport[] | undefined
  /**
   * The id of the last answer or message that was logged: the engine may deliver that one again. A message was heard, or is
   * among the `unheard`.
   */
  readonly taken?: string | undefined
}

/** Every call may come twice (E3): each is idempotent by the id it carries. */
export interface SessionRunner {
  /**
   * Begins the session, or goes on with it where an earlier host left it; what happens then is reported. One that is here
   * is left alone.
   */
  start(spec: SessionSpec): Promise<void>
  /**
   * Ends and removes what an earlier host left beside these sessions, which it left at work and `start` goes on with. Called
   * once, before anything else.
   */
  recover(left: readonly LeftSession[]): void
  /** Ends a session; its `ended` report follows. False when it is not here. */
  stop(sessionId: string, error?: ErrorEnvelope): Promise<boolean>
  /** False when the session is not here (any more) and its agent will not hear the answer. */
  answer(sessionId: string, answer: { questionId: string; answer: string; by: string }): Promise<boolean>
  /** False when the session is not here (any more) and the message was not heard. */
  send(sessionId: string, message: { id: string; content: string; by: string }): Promise<boolean>
}

export interface WorkspacePort {
  diff(place: TaskPlace): Promise<TaskDiff>
  file(place: TaskPlace, path: string, side: 'base' | 'work'): Promise<Uint8Array>
  /** `leftBehind`: folders on the base branch that could not follow it; they look as if the merge were undone there. */
  merge(
    place: TaskPlace,
    how: { strategy: MergeStrategy; message?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<{ commit: string; endCommit: string; leftBehind: readonly string[] }>
  /**
   * Commits what is uncommitted, then pushes the branch to `origin`, which must have this address.
   * @throws TroupeError TASK_NO_CHANGES, UNSUPPORTED, CONFLICT, GIT_FAILED
   */
  push(place: TaskPlace, to: { remoteUrl: string; signal: AbortSignal }): Promise<{ commit: string }>
  /** Removes the worktree after saving what is uncommitted. */
  remove(place: TaskPlace, saveAs: string): Promise<void>
  /** @throws TroupeError INVALID_PARAMS, REPO_BRANCH_EXISTS when a task cannot have a branch of this name. */
  checkBranch(repositoryPath: string, name: string): Promise<void>
  inspect(path: string, branch?: string): Promise<RepositoryFacts>
  /** The repository is in use: what its next task needs is prepared in the background. */
  keepReady(repositoryPath: string, baseBranch: string): void
  /** The repository is in use no more: what was prepared goes. */
  forget(repositoryPath: string): Promise<void>
  branchName(task: { taskId: string; title: string; agent: string }, repositoryPath: string): string
  files(
    repositoryPath: string,
    query: { branch: string; query?: string | undefined; limit: number },
  ): Promise<{ files: string[]; more: boolean }>
}

export interface RepositoryFacts {
  readonly root: string
  readonly name: string
  readonly defaultBranch: string
  /** The commit of `defaultBranch`. */
  readonly headCommit: string
  readonly remoteUrl?: string | undefined
  readonly vcsProvider: 'github' | 'gitlab' | 'bitbucket' | 'none'
}

export interface AgentPort {
  agents(detect: boolean): Promise<AgentInfo[]>
  plugins(): PluginInfo[]
}
