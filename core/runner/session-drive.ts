/**
 * The plugin at work on one session, in one thread after another.
 *
 * S3 One thread at a time has the session: what an earlier one still calls is refused.
 * S4 When a thread dies under the session, the plugin goes on from the last committed progress, or begins when there is
 *    none, in a thread of its own; the processes are the same. That happens once.
 * S5 The plugin is the version that the session began with, whatever was installed meanwhile.
 * S6 An agent is ended for its silence only when it could speak: not while it waits for a person, or for the log.
 */
import { type ErrorEnvelope, TroupeError } from '../base/errors.ts'
import type { SessionSpec } from '../engine/ports.ts'
import type { RunEnd, Session } from '../plugin/contract/agent.ts'
import type { HostIo, Progress } from '../plugin/host-io.ts'
import type { PluginEnd } from '../plugin/plugin-host.ts'
import type { Redactor } from '../secrets/redact.ts'
import { toQuestionServer } from '../question-server/question-server.ts'
import type { IdleWatch, IdleWatches } from './idle-watch.ts'
import type { AgentSetup, RunnerDeps } from './ports.ts'
import type { QuestionFolder } from './question-folder.ts'
import type { SessionDialogue } from './session-dialogue.ts'
import type { SessionProcesses } from './session-processes.ts'
import type { SessionWriter } from './session-writer.ts'
import { toContinue, withPlugin, withProgress } from './stored-progress.ts'

export interface DriveParts {
  readonly deps: Pick<RunnerDeps, 'plugins' | 'logger'> & { readonly idle: IdleWatches }
  readonly spec: SessionSpec
  readonly setup: AgentSetup
  readonly redactor: Redactor
  readonly writer: SessionWriter
  readonly dialogue: SessionDialogue
  readonly processes: SessionProcesses
  /** For an agent that asks by a question server. */
  readonly questionFolder: QuestionFolder | undefined
  /** Asks the plugin to stop. */
  readonly signal: AbortSignal
  /** Nothing was heard for too long. */
  readonly onIdle: (error: ErrorEnvelope) => void
}

interface Turn {
  readonly workDir: string
  /** Where it goes on. */
  readonly progress: Progress | undefined
  /** In a thread that it shares with no other session. */
  readonly alone: boolean
}

export class SessionDrive {
  readonly #parts: DriveParts
  #turn: Turn | undefined
  #idle: IdleWatch | undefined
  #over = false

  constructor(parts: DriveParts) {
    this.#parts = parts
  }

  /** A thread has the session. */
  get atWork(): boolean {
    return this.#turn !== undefined
  }

  /** Runs the plugin to its end. @throws TroupeError ABORTED when the session was taken from it before. */
  async run(workDir: string, progress?: Progress): Promise<RunEnd> {
    if (this.#over) throw takenAway()
    const { deps, setup, onIdle } = this.#parts
    const { idleMs } = setup
    using idle = deps.idle.watch({ idleMs, onIdle: () => onIdle(idleError(idleMs)) })
    this.#idle = idle
    using folder = this.#parts.questionFolder
    folder?.open()
    this.#pinPlugin()
    const first = await this.#run({ workDir, progress, alone: false })
    if (first.kind !== 'interrupted') return first
    if (this.#over) throw takenAway()
    if (!this.canGoOn) return { kind: 'error', ...first.error }
    const { sessionId } = this.#parts.spec
    deps.logger.warn({ sessionId, code: first.error.code }, 'A session goes on in another thread.')
    const second = await this.#run({ workDir, progress: toContinue(this.#parts.writer.progress), alone: true }) // S4
    return second.kind === 'interrupted' ? { kind: 'error', ...second.error } : second
  }

  /** Something was heard from the agent, or said to it: its silence is counted from now. */
  heard(): void {
    this.#idle?.heard()
  }

  /** The agent cannot speak until this is disposed of; its silence is counted from then. */
  excuse(): Disposable | undefined {
    return this.#idle?.excuse()
  }

  /** Takes the session from the plugin, which is not told: it would end the agent. */
  takeAway(): void {
    this.#over = true
    this.#turn = undefined
    this.#parts.questionFolder?.[Symbol.dispose]()
  }

  /** From a checkpoint, or from the beginning when nothing has come of the session yet. */
  get canGoOn(): boolean {
    const { writer, processes } = this.#parts
    const untouched = writer.progress.offsets === undefined && processes.count === 0
    return untouched || toContinue(writer.progress) !== undefined
  }

  /** Stored with what it says first (S5). */
  #pinPlugin(): void {
    const { deps, spec, writer } = this.#parts
    const plugin = writer.progress.plugin ?? deps.plugins.pin?.(spec.agent)
    if (plugin !== undefined) writer.note(withPlugin(plugin))
  }

  async #run(turn: Turn): Promise<PluginEnd> {
    const { deps, dialogue, signal, writer } = this.#parts
    this.#turn = turn
    dialogue.begin()
    this.heard()
    const { progress, alone } = turn
    const io = this.#hostIo(turn)
    const end = await deps.plugins.run({
      session: this.#session(turn),
      io,
      signal,
      ...(progress && { progress }),
      ...(writer.progress.plugin !== undefined && { plugin: writer.progress.plugin }),
      alone,
    })
    this.#turn = undefined
    // A batch may still be on its way to the log; whatever comes next comes after it.
    await writer.settled()
    return end
  }

  #session({ workDir, progress }: Turn): Session {
    const { questionFolder, spec } = this.#parts
    const { sessionId, agent, model, permissionMode, prompt, resume } = spec
    return {
      sessionId,
      agent,
      permissionMode,
      prompt,
      workDir,
      scratchDir: this.#parts.processes.scratch,
      settings: this.#parts.setup.settings,
      ...(questionFolder && { questionServer: toQuestionServer(questionFolder.path) }),
      ...(model !== undefined && { model }),
      ...(resume !== undefined && { resume: { agentSessionId: resume } }),
      ...(progress && { checkpoint: progress.checkpoint }),
    }
  }

  #hostIo(turn: Turn): HostIo {
    const { processes, writer, dialogue, deps, redactor, spec } = this.#parts
    const assertHolds = () => {
      if (this.#turn !== turn) throw takenAway() // S3
    }
    const offsets = turn.progress?.offsets ?? []
    return {
      spawn: processes.handTo({ cwd: turn.workDir, offsets, assertHolds, onOutput: () => this.heard() }),
      append: async (drafts, progress) => {
        assertHolds()
        using _excuse = this.excuse()
        await writer.append(drafts, withProgress(progress))
      },
      delta: (type, content) => {
        this.heard()
        writer.delta(type, content)
      },
      ask: async (question, withdraw) => {
        assertHolds()
        return dialogue.ask(question, withdraw)
      },
      followUps: dialogue.followUps,
      debug: (text) => deps.logger.debug({ sessionId: spec.sessionId }, redactor.text(text)),
    }
  }
}

const takenAway = (): TroupeError => new TroupeError('ABORTED', 'This thread does not have the session any more.')

const idleError = (idleMs: number): ErrorEnvelope => ({
  code: 'AGENT_IDLE',
  message: `Nothing was heard from the agent for ${Math.round(idleMs / 60_000)} min, so it was ended. Raise [timeouts] idle_minutes, or retry the task.`,
})
