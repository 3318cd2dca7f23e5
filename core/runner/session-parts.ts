/** The parts of one session, put together. */
import { join } from 'node:path'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { SessionSpec } from '../engine/ports.ts'
import type { FolderWatches } from '../sandbox/folder-watches.ts'
import { type Redactor, makeRedactor } from '../secrets/redact.ts'
import { sessionEnvironment } from './environment.ts'
import type { IdleWatches } from './idle-watch.ts'
import { isOwnWord } from './own-words.ts'
import type { AgentSetup, RunnerDeps } from './ports.ts'
import { QuestionFolder } from './question-folder.ts'
import { Reporter } from './reporter.ts'
import { SessionDialogue } from './session-dialogue.ts'
import { SessionDrive } from './session-drive.ts'
import type { SessionFolders } from './session-folders.ts'
import { SessionProcesses } from './session-processes.ts'
import { SessionWriter } from './session-writer.ts'
import { parseProgress } from './stored-progress.ts'

export interface RunDeps extends RunnerDeps {
  readonly idle: IdleWatches
  /** For the folders of question files. */
  readonly watches: FolderWatches
  readonly folders: SessionFolders
  /** The secrets that people were told are not masked. */
  readonly unmasked: Set<string>
  /** Settles when nothing of an earlier host runs any more but what is gone on with. */
  readonly cleared: Promise<void>
}

export interface SessionParts {
  /** Below it are the files of its processes. */
  readonly folder: string
  /** Why the agent's configuration cannot be used. */
  readonly misconfigured: unknown
  /** For what prepares its worktree. That is code of the repository: the agent's secrets are not for it. */
  readonly setupEnvironment: () => Record<string, string>
  readonly reporter: Reporter
  readonly writer: SessionWriter
  readonly dialogue: SessionDialogue
  readonly processes: SessionProcesses
  readonly drive: SessionDrive
}

export interface SessionSignals {
  /** Asks the plugin to stop. */
  readonly stopping: AbortSignal
  /** The host goes: what waits for the database is given up. */
  readonly givenUp: AbortSignal
  readonly onIdle: (error: ErrorEnvelope) => void
}

export function makeSessionParts(deps: RunDeps, spec: SessionSpec, signals: SessionSignals): SessionParts {
  const { sessionId, place, questions = [] } = spec
  const { logger, log, clock } = deps
  const { setup, error } = trySetup(deps, spec)
  const redactor = makeRedactor(setup.secrets, isOwnWord)
  tellUnmasked(deps, redactor)
  const environment = ({ env, secrets }: Pick<AgentSetup, 'env' | 'secrets'>) =>
    sessionEnvironment({ ...toHost(deps), configured: env, secrets, taskId: place.taskId, sessionId })
  // L7: what is reported is stored and shown too. Where the files are is said by the host, and must stay true.
  const reporter = new Reporter({
    deliver: (said, id) => deps.report(sessionId, said.type === 'prepared' ? said : redactor.json(said), id),
    clock,
    logger,
    signal: signals.givenUp,
  })
  const writer = new SessionWriter(
    { log, clock, logger, redactor, signal: signals.givenUp, reporter },
    { ...spec, workDir: place.worktreePath ?? place.repositoryPath, progress: parseProgress(spec.progress) },
  )
  const silence = { heard: () => drive.heard(), excuse: () => drive.excuse() }
  const dialogue = new SessionDialogue({ sessionId, questions, writer, silence })
  const folder = join(deps.runRoot, sessionId)
  const processes = new SessionProcesses({
    sandbox: deps.sandbox,
    logger,
    folder,
    makeFolder: (path) => deps.folders.make(path),
    env: () => environment(setup),
  })
  const questionFolder = deps.plugins.wantsQuestionServer?.(spec.agent)
    ? new QuestionFolder({ ...deps, folder, ask: (...asked) => dialogue.ask(...asked) })
    : undefined
  const { stopping: signal, onIdle } = signals
  const driven = { deps, spec, setup, redactor, writer, dialogue, processes, questionFolder }
  const drive = new SessionDrive({ ...driven, signal, onIdle })
  const setupEnvironment = () => environment(NO_SETUP)
  return { folder, misconfigured: error, setupEnvironment, reporter, writer, dialogue, processes, drive }
}

function tellUnmasked({ logger, unmasked }: RunDeps, redactor: Redactor): void {
  const secrets = redactor.unmasked.filter((name) => !unmasked.has(name))
  if (secrets.length === 0) return
  for (const name of secrets) unmasked.add(name)
  logger.warn(
    { secrets },
    "The values of these secrets are not masked in logs: they are too short, or words of Troupe's own messages.",
  )
}

const toHost = ({ hostEnv, packageRoot }: RunDeps) => ({ host: hostEnv, packageRoot })

const NO_SETUP: AgentSetup = { settings: { args: [] }, env: {}, secrets: [], idleMs: 0 }

/** A configuration that cannot be read is the session's failure, not the engine's. */
function trySetup({ setup }: RunDeps, { agent, place }: SessionSpec): { setup: AgentSetup; error?: unknown } {
  try {
    return { setup: setup(agent, place.repositoryPath) }
  } catch (error) {
    return { setup: NO_SETUP, error }
  }
}
