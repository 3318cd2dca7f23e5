/** Runs sessions on this machine. Owns the sessions at work; one id is never run twice at once. */
import { toEnvelope, TroupeError, type ErrorEnvelope } from '../base/errors.ts'
import type { MessageBody } from '../contract/messages.ts'
import type { SessionRunner, SessionSpec } from '../engine/ports.ts'
import type { RunnerDeps } from './ports.ts'
import { SessionRun } from './session-run.ts'

export interface LocalRunner extends SessionRunner {
  /** Ids of sessions at work. */
  sessions(): string[]
  /** Ends all sessions as `lost`: their tasks go on when a host runs again. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Ending everything must end itself: what is still waiting for the database then is given up. */
const DISPOSE_BOUND_MS = 20_000

/** Ends a session that could not even begin, its log included. */
async function failAtOnce(deps: RunnerDeps, spec: SessionSpec, error: ErrorEnvelope): Promise<void> {
  const { sessionId, agent, prompt, lastSeq, place } = spec
  const bodies: MessageBody[] = [
    { type: 'start', agent, workDir: place.worktreePath ?? place.repositoryPath },
    { type: 'userMessage', content: prompt },
    { type: 'error', code: error.code, message: error.message },
  ]
  const drafts = bodies.map((body) => ({ type: body.type, json: JSON.stringify(body) }))
  await deps.log.append({ sessionId, firstSeq: lastSeq + 1, at: deps.clock.now(), drafts })
  await deps.report(sessionId, { type: 'ended', outcome: 'failed', error })
  deps.log.close(sessionId)
}

export function makeLocalRunner(deps: RunnerDeps): LocalRunner {
  const runs = new Map<string, SessionRun>()
  let disposed = false

  function begin(spec: SessionSpec): void {
    const run = new SessionRun(deps, spec)
    runs.set(spec.sessionId, run)
    void run.done.finally(() => runs.delete(spec.sessionId))
  }

  /** A configuration that cannot be read is the session's failure, not the engine's. */
  async function beginOrFail(spec: SessionSpec): Promise<void> {
    try {
      begin(spec)
    } catch (error) {
      await failAtOnce(deps, spec, toEnvelope(error))
    }
  }

  return {
    sessions: () => [...runs.keys()],
    async start(spec) {
      // The effect stays, and the next host begins the session.
      if (disposed) throw new TroupeError('ABORTED', 'The host stops, so no session begins.')
      if (!runs.has(spec.sessionId)) await beginOrFail(spec)
    },
    async stop(sessionId, error?: ErrorEnvelope) {
      const run = runs.get(sessionId)
      if (run) run.stop(error ? { kind: 'bound', error } : { kind: 'asked' })
      else {
        await deps.report(sessionId, { type: 'ended', outcome: 'stopped' })
        deps.log.close(sessionId)
      }
    },
    answer: async (sessionId, answer) => runs.get(sessionId)?.answer(answer),
    send: async (sessionId, message) => (await runs.get(sessionId)?.send(message)) ?? false,
    async [Symbol.asyncDispose]() {
      disposed = true
      for (const run of runs.values()) run.stop({ kind: 'host' })
      using _bound = deps.clock.after(DISPOSE_BOUND_MS, () => {
        for (const run of runs.values()) run.giveUp()
      })
      await Promise.all([...runs.values()].map((run) => run.done))
    },
  }
}
