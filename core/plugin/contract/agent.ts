/** What a plugin implements. */
import type { Detection } from '../../contract/records.ts'
import type { PermissionMode } from '../../contract/statuses.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Usage } from '../../contract/messages.ts'
import type { DetectIo, SessionIo } from './io.ts'

/** Settings of one agent from the configuration (`[agents.<agent>]`). */
export interface AgentSettings {
  /** Path or name of its program. */
  readonly program?: string
  /** Added to its command line. */
  readonly args: readonly string[]
}

/**
 * A program that gives an agent the tool `ask_person`, by MCP on its standard input and output. The agent starts it, as it starts any
 * MCP server; what is asked through it reaches people without the plugin, and survives the host.
 */
export interface QuestionServer {
  /** How the agent shall call the server. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** One session: everything that a plugin is told about what to do. Plain data. */
export interface Session {
  readonly sessionId: string
  readonly agent: string
  /** The worktree; the agent's working directory. Absolute. */
  readonly workDir: string
  /** A folder of this session's own, outside the worktree, for files that the agent's program needs. Absolute. */
  readonly scratchDir: string
  readonly prompt: string
  readonly model?: string
  readonly permissionMode: PermissionMode
  /** Continue this conversation of the agent instead of beginning one. */
  readonly resume?: { readonly agentSessionId: string }
  readonly settings: AgentSettings
  /** For an agent without a way of its own to ask people something. Given when its manifest says `"questionServer": true`. */
  readonly questionServer?: QuestionServer
  /**
   * The last committed checkpoint, when the session is continued: this plugin ran it before, in a host or a thread that is gone.
   * Its processes were not touched, and everything that was emitted up to this checkpoint is in the log.
   */
  readonly checkpoint?: unknown
}

/** How a run ended. The host writes the closing `complete` or `error` message from it. */
export type RunEnd = (Complete | Failed | Stopped) & {
  /**
   * Follow-ups that the agent did not get, oldest first: because they came too late for this run, or it went wrong before. The next
   * session of the task is told them.
   */
  readonly unheard?: readonly string[]
}

interface Complete {
  readonly kind: 'complete'
  /** False when the agent itself says that it could not do the task. */
  readonly success: boolean
  readonly summary?: string
  readonly usage?: Usage
}

interface Failed {
  readonly kind: 'error'
  readonly code: ErrorCode
  /** What happened, to what, and what to do next. */
  readonly message: string
  readonly retryable?: boolean
  /** When a quota is full again; ISO 8601, UTC. */
  readonly resetsAt?: string
}

/** The session was asked to stop (`io.signal`) and did. */
interface Stopped {
  readonly kind: 'stopped'
}

export interface Agent {
  /** Finds the program on this machine. Bounded by the host to 20 s. */
  detect(io: DetectIo): Promise<Detection>
  /**
   * Runs one session to its end. When `io.signal` aborts: interrupt the agent in its own way and return; whatever is
   * still running a few seconds later is ended by the host.
   */
  run(session: Session, io: SessionIo): Promise<RunEnd>
}

/** The default export of a plugin; keys of `agents` are those that its manifest names. */
export interface Plugin {
  readonly agents: Readonly<Record<string, Agent>>
}

/** Types a plugin's default export. */
export const definePlugin = (plugin: Plugin): Plugin => plugin
