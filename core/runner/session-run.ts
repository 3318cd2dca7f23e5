/**
 * One session from its worktree to its last message.
 *
 * Owns the session's processes, its open questions, its follow-ups and its folder; when `done` settles all of them are
 * gone, the log is closed and the end is reported, exactly once.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TroupeError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { SessionEnded, SessionReport, SessionSpec } from '../engine/ports.ts'
import type { RunEnd, Session } from '../plugin/contract/agent.ts'
import type { Ask } from '../plugin/contract/io.ts'
import type { HostIo } from '../plugin/host-io.ts'
import { makeRedactor, type Redactor } from '../secrets/redact.ts'
import { toEnding, toFailure, type Ending, type StopReason } from './ending.ts'
import { sessionEnvironment } from './environment.ts'
import { FollowUps } from './follow-ups.ts'
import { watchIdle } from './idle-watch.ts'
import type { AgentSetup, PreparedWorkspace, RunnerDeps } from './ports.ts'
import { OpenQuestions } from './questions.ts'
import { Reporter } from './reporter.ts'
import { SessionProcesses } from './session-processes.ts'
import { SessionWriter } from './session-writer.ts'

export class SessionRun {
  readonly done: Promise<void>
  readonly #deps: RunnerDeps
  readonly #spec: SessionSpec
  readonly #folder: string
  readonly #setup: AgentSetup
  readonly #redactor: Redactor
  readonly #writer: SessionWriter
  readonly #reporter: Reporter
  readonly #questions = new OpenQuestions()
  readonly #followUps = new FollowUps()
  readonly #heardMessages = new Set<string>()
  readonly #unheard: string[] = []
  readonly #stopping = new AbortController()
  readonly #givenUp = new AbortController()
  #stopReason: StopReason | undefined

  constructor(deps: RunnerDeps, spec: SessionSpec) {
    const { sessionId, agent, prompt, lastSeq, place } = spec
    this.#deps = deps
    this.#spec = spec
    this.#folder = join(deps.runRoot, sessionId)
    this.#setup = deps.setup(agent, place.repositoryPath)
    this.#redactor = makeRedactor(this.#setup.secrets)
    // L7: what is reported is stored and shown too.
    const report = (said: SessionReport) => deps.report(sessionId, this.#redactor.json(said))
    this.#reporter = new Reporter(report, deps.logger, this.#givenUp.signal)
    const workDir = place.worktreePath ?? place.repositoryPath
    this.#writer = new SessionWriter(
      { ...deps, redactor: this.#redactor },
      {
        sessionId,
        agent,
        prompt,
        lastSeq,
        workDir,
        onStart: ({ agentSessionId }) => void this.#reporter.report({ type: 'started', agentSessionId }),
        signal: this.#givenUp.signal,
      },
    )
    this.done = this.#run()
  }

  /** Ends the session; the first reason counts. */
  stop(reason: StopReason): void {
    this.#stopReason ??= reason
    this.#stopping.abort(new TroupeError('ABORTED', 'The session was told to stop.'))
    this.#questions.withdrawAll()
    this.#unheard.push(...this.#followUps.close())
  }

  /** Gives up what waits for the database: the host goes, and the next one finds the session by its rows. */
  giveUp(): void {
    this.#givenUp.abort(new TroupeError('ABORTED', 'The host stopped.'))
  }

  async answer({ questionId, answer, by }: { questionId: string; answer: string; by: string }): Promise<void> {
    if (!this.#questions.has(questionId)) return
    await this.#writer.write({ type: 'userAnswer', questionId, answer, by })
    this.#questions.answer(questionId, answer)
  }

  /** False when the session ends and does not take it any more. */
  async send({ id, content }: { id: string; content: string }): Promise<boolean> {
    if (this.#heardMessages.has(id)) return true
    if (this.#followUps.closed) return false
    await this.#writer.write({ type: 'userMessage', content })
    // Only now: one that could not be written comes again.
    this.#heardMessages.add(id)
    return this.#followUps.push(content)
  }

  async #run(): Promise<void> {
    const { log, clock, logger } = this.#deps
    const { sessionId } = this.#spec
    const startedAt = clock.now()
    void this.#reporter.report({ type: 'preparing' })
    const ending = await this.#execute(startedAt)
    const unheard = [...(ending.unheard ?? []), ...this.#unheard, ...this.#followUps.close()]
    this.#questions.withdrawAll()
    const report = await this.#toReport(ending, unheard)
    // The report goes with the closing message, so that a host that dies now does not run the session again.
    await this.#writer
      .finish(ending.message, { ended: report })
      .catch((error: unknown) => logger.error({ err: error, sessionId }, 'The closing message was not stored.'))
    await this.#reporter.report(report)
    log.close(sessionId)
    await rm(this.#folder, { recursive: true, force: true }).catch((error: unknown) =>
      logger.warn({ err: error, sessionId }, 'The folder of a session could not be removed.'),
    )
  }

  async #toReport({ outcome, error, usage }: Ending, unheard: readonly string[]): Promise<SessionEnded['ended']> {
    // A look that fails costs the record of a commit, not the end of the session.
    const endCommit = await this.#deps.workspace.headCommit(this.#spec.place).catch(() => undefined)
    return { type: 'ended', outcome, error, usage, endCommit, unheard }
  }

  /** Never rejects: whatever goes wrong is an ending. */
  async #execute(startedAt: number): Promise<Ending> {
    const duration = () => this.#deps.clock.now() - startedAt
    try {
      const { env, secrets } = this.#setup
      // What prepares a worktree is code of the repository: the agent's secrets are not for it.
      const prepared = await this.#prepare(this.#environment({}, []))
      const end = await this.#runPlugin(prepared, this.#environment(env, secrets))
      return toEnding(end, { stop: this.#stopReason, usage: this.#writer.usage, durationMs: duration() })
    } catch (error) {
      const stop = this.#stopReason
      // Being told to stop does not explain a process that could not be ended: a person must hear of it.
      if (!stop || isProcessLeft(error)) return toFailure(error)
      return toEnding({ kind: 'stopped' }, { stop, usage: this.#writer.usage, durationMs: duration() })
    }
  }

  #environment(configured: AgentSetup['env'], secrets: AgentSetup['secrets']): Record<string, string> {
    const { hostEnv, packageRoot } = this.#deps
    const { sessionId, place } = this.#spec
    return sessionEnvironment({ host: hostEnv, packageRoot, configured, secrets, taskId: place.taskId, sessionId })
  }

  async #prepare(env: Record<string, string>): Promise<PreparedWorkspace> {
    const prepared = await this.#deps.workspace.prepare(this.#spec.place, { env, signal: this.#stopping.signal })
    const { path: worktreePath, baseCommit } = prepared
    await this.#reporter.report({ type: 'prepared', worktreePath, baseCommit })
    await mkdir(join(this.#folder, 'scratch'), { recursive: true, mode: 0o700 })
    return prepared
  }

  async #runPlugin(prepared: PreparedWorkspace, env: Record<string, string>): Promise<RunEnd> {
    const { clock, plugins, sandbox } = this.#deps
    using idle = watchIdle({
      clock,
      idleMs: this.#setup.idleMs,
      excused: () => this.#questions.size > 0,
      onIdle: () => this.stop({ kind: 'bound', error: idleError(this.#setup.idleMs) }),
    })
    await using processes = new SessionProcesses({
      sandbox,
      folder: this.#folder,
      env,
      cwd: prepared.path,
      onOutput: () => idle.heard(),
    })
    const io = this.#hostIo(processes, () => idle.heard())
    for (const notice of prepared.notices) await this.#writer.write({ type: 'raw', stream: 'troupe', content: notice })
    try {
      return await plugins.run(this.#session(prepared.path), io, this.#stopping.signal)
    } finally {
      // At once: what comes while the processes are being ended has nobody to hear it.
      this.#unheard.push(...this.#followUps.close())
    }
  }

  #session(workDir: string): Session {
    const { sessionId, agent, model, permissionMode, prompt, resume } = this.#spec
    return {
      sessionId,
      agent,
      permissionMode,
      prompt,
      workDir,
      scratchDir: join(this.#folder, 'scratch'),
      settings: this.#setup.settings,
      ...(model !== undefined && { model }),
      ...(resume !== undefined && { resume: { agentSessionId: resume } }),
    }
  }

  #hostIo(processes: SessionProcesses, heard: () => void): HostIo {
    const { logger } = this.#deps
    const { sessionId } = this.#spec
    return {
      spawn: (command) => processes.spawn(command),
      append: (drafts, progress) => {
        heard()
        return this.#writer.append(drafts, progress)
      },
      delta: (type, content) => {
        heard()
        this.#writer.delta(type, content)
      },
      ask: (question, withdraw) => this.#ask(question, withdraw),
      followUps: this.#followUps,
      debug: (text) => logger.debug({ sessionId }, this.#redactor.text(text)),
    }
  }

  async #ask(question: Ask, withdraw: AbortSignal): Promise<string> {
    if (this.#stopReason) throw new TroupeError('ABORTED', 'The session is stopping.')
    const questionId = newId()
    const answer = this.#questions.add(questionId)
    const onWithdraw = () => {
      if (this.#questions.withdraw(questionId)) void this.#reporter.report({ type: 'withdrawn', questionId })
    }
    await this.#writer.write({ type: 'userQuestion', questionId, ...toMutable(question) })
    await this.#reporter.report({ type: 'asked', question: { questionId, ...question } })
    withdraw.addEventListener('abort', onWithdraw, { once: true })
    if (withdraw.aborted) onWithdraw()
    try {
      return await answer
    } finally {
      withdraw.removeEventListener('abort', onWithdraw)
    }
  }
}

const isProcessLeft = (error: unknown): boolean => error instanceof TroupeError && error.code === 'PROCESS_LEFT'

const toMutable = ({ options, ...rest }: Ask) => ({ ...rest, ...(options && { options: [...options] }) })

const idleError = (idleMs: number) => ({
  code: 'AGENT_IDLE' as const,
  message: `Nothing was heard from the agent for ${Math.round(idleMs / 60_000)} min, so it was ended. Raise [timeouts] idle_minutes, or retry the task.`,
})
