/** The one table of errors. A code is stable: it is never renamed and never reused. */

interface ErrorKind {
  /** JSON-RPC `error.code`; the name in this table travels as `error.data.code`. */
  readonly rpc: number
  readonly doc: string
}

const own = (doc: string): ErrorKind => ({ rpc: -32000, doc })

export const ERRORS = {
  PARSE_ERROR: { rpc: -32700, doc: 'The request is not valid JSON.' },
  INVALID_REQUEST: { rpc: -32600, doc: 'The JSON is not a JSON-RPC 2.0 request.' },
  METHOD_NOT_FOUND: { rpc: -32601, doc: 'The method is not in the catalogue.' },
  INVALID_PARAMS: { rpc: -32602, doc: 'The parameters do not match the schema of the method.' },
  INTERNAL: { rpc: -32603, doc: 'A defect of Troupe itself; the log of the host has the details.' },

  UNAUTHENTICATED: own('No token, or one that is not valid.'),
  FORBIDDEN: own('The caller may not do this, or the page that calls is not one of ours.'),
  NOT_FOUND: own('No record has this id.'),
  CONFLICT: own('The record is in a status that does not allow this; the message names what is allowed.'),
  UNSUPPORTED: own('This version of Troupe, or this agent, cannot do what was asked.'),
  ABORTED: own('The caller gave up, or the host is shutting down.'),
  TIMEOUT: own('Something did not answer within its bound.'),
  USAGE: own('The command line is wrong; the message shows the right form.'),

  CONFIG_INVALID: own('A configuration file or variable cannot be used; the message names file and key.'),
  DATA_DIR_UNUSABLE: own('The data directory cannot be created, read or written.'),
  HOST_ALREADY_RUNNING: own('Another host holds this data directory.'),
  HOST_UNREACHABLE: own('The host did not answer, or its connection ended.'),
  PORT_UNAVAILABLE: own('The port is taken or may not be opened.'),

  LIMIT_BODY: own('The request body is larger than the limit.'),
  LIMIT_BATCH: own('The batch holds more calls than the limit.'),
  LIMIT_DEPTH: own('The JSON is nested deeper than the limit.'),
  LIMIT_OUTPUT: own('The agent printed more than the limit of a session.'),
  LIMIT_SUBSCRIPTIONS: own('The connection holds as many subscriptions as it may.'),
  MEDIA_TYPE: own('The body is not application/json.'),
  HTTP_METHOD: own('The path does not serve this HTTP method.'),

  STORE_NEWER: own('The database was written by a newer Troupe; upgrade the program.'),
  STORE_MIGRATION_FAILED: own('The database could not be migrated; the backup made before is named.'),
  STORE_BUSY: own('Another program holds the database locked.'),
  STORE_CORRUPT: own('The database fails its integrity check.'),
  STORE_FAILED: own('The database refused an operation, for example because the disk is full.'),
  MACHINE_NEWER: own('A record was written by a newer version of its state machine; upgrade the program.'),
  LOG_GAP: own('Messages were offered out of order; the message names the sequence number expected.'),
  LOG_DROPPED: own('The log of the session was dropped by [retention], as the user had set it.'),
  LOG_ARCHIVE: own('The archive of a log is missing or damaged; the message names the file.'),

  REPO_NOT_FOUND: own('The path of the repository does not exist.'),
  REPO_NOT_GIT: own('The folder is not a git repository.'),
  REPO_BARE: own('The repository is bare and has no files to work on.'),
  REPO_EMPTY: own('The repository has no commit yet.'),
  REPO_DETACHED: own('HEAD is detached and no base branch was named.'),
  REPO_BRANCH_MISSING: own('The branch does not exist.'),
  REPO_BRANCH_EXISTS: own('The branch exists already and belongs to something else.'),
  REPO_BRANCH_IN_USE: own('The branch is checked out in another worktree.'),
  REPO_UNWRITABLE: own('The repository cannot be written.'),
  REPO_IN_USE: own('Tasks still use the repository.'),
  REPO_FILE_NOT_FOUND: own('The file is not in that tree of the repository.'),
  GIT_NOT_INSTALLED: own('The git program cannot be started.'),
  GIT_FAILED: own('A git command failed; the message has its own words.'),
  GIT_IDENTITY_MISSING: own('git has no user.name or user.email to commit with.'),
  WORKTREE_MISSING: own('The worktree of the task is gone from the disk.'),
  WORKTREE_SETUP_FAILED: own('The [setup] step failed; its output is in the log.'),
  MERGE_CONFLICT: own('The branches conflict; the files are named and nothing was changed.'),
  MERGE_NOT_FAST_FORWARD: own('The base branch has moved on, so a fast-forward is not possible.'),
  MERGE_BLOCKED: own('The base branch is checked out in a folder with changes that the merge would overwrite.'),
  TASK_NO_CHANGES: own('The task changed nothing, so there is nothing to merge.'),

  AGENT_NOT_FOUND: own('No plugin offers this agent.'),
  AGENT_NOT_INSTALLED: own('The program of the agent is not on this machine.'),
  AGENT_NOT_SIGNED_IN: own('The agent has no credential that works.'),
  AGENT_QUOTA: own('The quota or rate limit of the agent is used up.'),
  AGENT_API: own('The service behind the agent answered with an error.'),
  AGENT_EXITED: own('The program of the agent ended without a result.'),
  AGENT_FAILED: own('The agent says that it could not do the task.'),
  AGENT_IDLE: own('Nothing was heard from the agent for the time set by [timeouts] idle_minutes.'),
  AGENT_TIMEOUT: own('The session ran longer than [timeouts] total_minutes.'),
  AGENT_SETTINGS: own('The settings of the agent cannot be used.'),
  SESSION_LOST: own('The session lost its process or its host too often.'),

  PLUGIN_NOT_FOUND: own('No such plugin is installed.'),
  PLUGIN_MANIFEST: own('The manifest of the plugin is missing or invalid.'),
  PLUGIN_CONTRACT: own('The plugin needs another version of the plugin contract.'),
  PLUGIN_LOAD: own('The code of the plugin failed while it was loaded.'),
  PLUGIN_FAILED: own('The plugin threw an error while it ran a session.'),
  PLUGIN_DIED: own('The thread of the plugin ended: it exited or ran out of memory.'),
  PLUGIN_UNRESPONSIVE: own('The plugin did not react within its bound and was ended.'),
  PLUGIN_MESSAGE: own('The plugin sent something that the contract does not allow.'),
  PLUGIN_NOT_ALLOWED: own(
    'The plugin tried something that its manifest does not name, so that the user was not asked.',
  ),
  PLUGIN_SOURCE: own('What is to be installed is not named in a form that Troupe takes.'),
  PLUGIN_INSTALL: own('The plugin could not be installed; nothing was changed.'),
  PLUGIN_CHANGED: own('The files of an installed plugin are not those that were installed.'),
  PLUGIN_IN_USE: own('Sessions that are not over use the plugin.'),
  NPM_NOT_INSTALLED: own('The npm program, which installs plugins, is not on this machine.'),

  SANDBOX_UNSUPPORTED: own('This kind of sandbox is not available.'),
  PROCESS_START: own('A program could not be started.'),
  PROCESS_LEFT: own('A process could not be ended.'),
} as const satisfies Record<string, ErrorKind>

/** A stable name from the table. */
export type ErrorCode = keyof typeof ERRORS

/** An error as it crosses threads, sockets and the database: plain data. */
export interface ErrorEnvelope {
  readonly code: ErrorCode
  /** What happened, to what, and what to do next. */
  readonly message: string
  /** Facts for programs, for example the files of a merge conflict. JSON only. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The only error class of Troupe. Everything else that is thrown is a bug and becomes `INTERNAL`. */
export class TroupeError extends Error {
  override readonly name = 'TroupeError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERRORS, value)

/** An error class does not survive a thread or a socket; its envelope does. */
export function toEnvelope(error: unknown): ErrorEnvelope {
  if (error instanceof TroupeError) {
    return { code: error.code, message: error.message, ...(error.details && { details: error.details }) }
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}

export const fromEnvelope = (envelope: ErrorEnvelope): TroupeError =>
  new TroupeError(envelope.code, envelope.message, envelope.details)

/** @throws TroupeError with `code` always; lets an expression end in an error. */
export function fail(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): never {
  throw new TroupeError(code, message, details)
}
