/**
 * One session on this machine, from where it stands to its last message, or to where this host lets go of it.
 *
 * Owns the session's processes, what is said in it, and its folder.
 *
 * S1 When `done` settles all of them are gone, the log has its closing message and the end is reported, exactly once;
 *    or the session was let go of, and nothing of it was touched since.
 * S2 It begins, or goes on where its stored progress says. What is committed is not said again.
 */
import { TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { SessionEnded, SessionSpec } from '../engine/ports.ts'
import type { Progress } from '../plugin/host-io.ts'
import { type Ending, type StopReason, toEnding, toFailure, type WorkEnd } from './ending.ts'
import { removeFolder } from './leftovers.ts'
import type { PreparedWorkspace } from './ports.ts'
import { makeSessionParts, type RunDeps, type SessionParts } from './session-parts.ts'
import { toDraft } from './session-writer.ts'
import { abandon, toContinue } from './stored-progress.ts'

/** `left`: this host has let go of the session. */
type Phase = 'open' | 'closing' | 'left'

/** From then on people see that a worktree is being prepared; of one that is there nothing needs to be written. */
const SLOW_MS = 100

type Beginning =
  | { readonly kind: 'new' }
  | { readonly kind: 'continued'; readonly workDir: string; readonly progress: Progress }
  | { readonly kind: 'lost' }

export class SessionRun {
  readonly done: Promise<void>
  readonly #deps: RunDeps
  readonly #spec: SessionSpec
  readonly #parts: SessionParts
  readonly #stopping = new AbortController()
  readonly #givenUp = new AbortController()
  /** Whether there is an agent to talk to. */
  readonly #begun = Promise.withResolvers<Beginning['kind']>()
  readonly #startedAt: number
  readonly #unheard: string[] = []
  #phase: Phase = 'open'
  #stopReason: StopReason | undefined

  constructor(deps: RunDeps, spec: SessionSpec) {
    this.#deps = deps
    this.#spec = spec
    this.#startedAt = spec.startedAt ?? deps.clock.now()
    this.#parts = makeSessionParts(deps, spec, {
      stopping: this.#stopping.signal,
      givenUp: this.#givenUp.signal,
      onIdle: (error) => this.stop({ kind: 'bound', error }),
    })
    if (spec.stopping) this.stop({ kind: 'asked' })
    this.done = this.#run()
  }

  /** Ends the session; the first reason counts. */
  stop(reason: StopReason): void {
    if (this.#phase !== 'open' || this.#stopReason) return
    const { writer } = this.#parts
    this.#stopReason = reason
    // A host that is killed while it ends its sessions has lost them all the same.
    if (reason.kind === 'host' && writer.progress.offsets) void writer.append([], abandon).catch(() => {})
    this.#stopping.abort(new TroupeError('ABORTED', 'The session was told to stop.'))
    this.#closeDialogue()
  }

  /**
   * Lets go of the session where it stands: its processes work on, and the next host goes on with it. One that nobody could
   * go on with is ended. Settles when nothing here touches it any more.
   */
  async leave(): Promise<void> {
    const { drive, processes, writer } = this.#parts
    if (this.#deps.drives && !drive.canGoOn) this.stop({ kind: 'host' })
    if (this.#phase !== 'open' || this.#stopReason) return this.done
    this.#phase = 'left'
    // A plugin at work is not told: it would end its agent.
    if (!drive.atWork) this.#stopping.abort(letGo())
    drive.takeAway()
    // What could not be stored until now is in the files of the agent, or comes again from the engine.
    this.giveUp()
    await processes.release()
    await writer.settled()
  }

  /** Gives up what waits for the database: the host goes, and the next one finds the session by its rows. */
  giveUp(): void {
    this.#givenUp.abort(new TroupeError('ABORTED', 'The host stopped.'))
  }

  /** False when no agent will hear it here. */
  async answer(answer: { questionId: string; answer: string; by: string }): Promise<boolean> {
    if (this.#deps.drives && (await this.#begun.promise) === 'lost') return false
    return this.#parts.dialogue.answer(answer)
  }

  /** False when the session ends and does not take it any more. */
  send(message: { id: string; content: string }): Promise<boolean> {
    return this.#parts.dialogue.send(message)
  }

  async #run(): Promise<void> {
    void this.#parts.writer.redeliver()
    const ending = await this.#execute()
    this.#begun.resolve('lost') // unless it had begun
    if (this.#phase === 'left') return
    this.#phase = 'closing'
    await this.#close(ending)
  }

  async #close(ending: Ending): Promise<void> {
    const { log, logger } = this.#deps
    const { sessionId } = this.#spec
    const { folder, reporter, writer } = this.#parts
    this.#closeDialogue()
    const report = await this.#toReport(ending)
    // The closing message takes the place of what is stored of reports that are not delivered.
    await reporter.settled()
    // The report goes with the closing message, so that a host that dies now does not run the session again.
    await writer
      .finish(ending.message, report)
      .catch((error: unknown) => logger.error({ err: error, sessionId }, 'The closing message was not stored.'))
    faultPoint('runner.end-written')
    await reporter.report(report)
    faultPoint('runner.end-reported')
    log.close(sessionId)
    await removeFolder(folder, logger)
  }

  async #toReport({ outcome, error, usage, unheard = [] }: Ending): Promise<SessionEnded['ended']> {
    // A look that fails costs the record of a commit, not the end of the session.
    const endCommit = await this.#deps.workspace.headCommit(this.#spec.place).catch(() => undefined)
    return { type: 'ended', outcome, error, usage, endCommit, unheard: [...unheard, ...this.#unheard] }
  }

  /** Never rejects: whatever goes wrong is an ending. */
  async #execute(): Promise<Ending> {
    const facts = () => ({
      stop: this.#stopReason,
      usage: this.#parts.writer.progress.usage,
      durationMs: Math.max(this.#deps.clock.now() - this.#startedAt, 0),
    })
    try {
      return toEnding(await this.#work(), facts())
    } catch (error) {
      // Being told to stop does not explain a process that could not be ended: a person must hear of it.
      if (!this.#stopReason || isProcessLeft(error)) return toFailure(error)
      return toEnding({ kind: 'stopped' }, facts())
    }
  }

  async #work(): Promise<WorkEnd> {
    const { signal } = this.#stopping
    if (!this.#deps.drives) await aborted(signal)
    if (this.#phase === 'left') throw letGo()
    await using processes = this.#parts.processes
    const beginning = await this.#begin()
    this.#begun.resolve(beginning.kind)
    signal.throwIfAborted()
    if (this.#parts.misconfigured !== undefined) throw this.#parts.misconfigured
    if (beginning.kind === 'lost') return beginning
    const { workDir, progress } = beginning.kind === 'new' ? await this.#prepare() : beginning
    const end = await this.#parts.drive.run(workDir, progress)
    // At once: what comes while the processes are being ended has nobody to hear it.
    this.#closeDialogue()
    return end.kind === 'error' && processes.lost ? { kind: 'lost' } : end
  }

  // S2
  async #begin(): Promise<Beginning> {
    const { processes, writer } = this.#parts
    const progress = toContinue(writer.progress)
    if (progress === undefined && this.#deps.drives) {
      await this.#deps.cleared
      return writer.progress.offsets || processes.anyLeft ? { kind: 'lost' } : { kind: 'new' }
    }
    await processes.attach()
    faultPoint('runner.processes-attached')
    const workDir = this.#spec.place.worktreePath
    const whole = progress !== undefined && workDir !== undefined && processes.count >= progress.offsets.length
    return whole ? { kind: 'continued', workDir, progress } : { kind: 'lost' }
  }

  async #prepare(): Promise<{ workDir: string; progress?: undefined }> {
    const { processes, reporter, writer, setupEnvironment } = this.#parts
    this.#deps.plugins.prepare?.(this.#spec.agent)
    const how = { env: setupEnvironment(), signal: this.#stopping.signal }
    using _slow = this.#deps.clock.after(SLOW_MS, () => void reporter.report({ type: 'preparing' }))
    processes.prepare()
    const prepared = await this.#deps.workspace.prepare(this.#spec.place, how)
    const { path: worktreePath, baseCommit } = prepared
    faultPoint('runner.workspace-prepared')
    const { place } = this.#spec
    // The agent need not wait for it: who goes on with what is written of the session will find the worktree.
    if (place.worktreePath !== worktreePath || place.baseCommit !== baseCommit)
      writer.after(reporter.report({ type: 'prepared', worktreePath, baseCommit }))
    await this.#writeNotices(prepared)
    return { workDir: worktreePath }
  }

  /** Not again in a session that had got so far before. */
  async #writeNotices({ notices }: PreparedWorkspace): Promise<void> {
    const { writer } = this.#parts
    if (!writer.empty || notices.length === 0) return
    const bodies = notices.map((content) => ({ type: 'raw', stream: 'troupe', content }) as const)
    await writer.append(bodies.map(toDraft))
  }

  #closeDialogue(): void {
    this.#unheard.push(...this.#parts.dialogue.close())
  }
}

const letGo = (): TroupeError => new TroupeError('ABORTED', 'This host has let go of the session.')

const isProcessLeft = (error: unknown): boolean => error instanceof TroupeError && error.code === 'PROCESS_LEFT'

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
