/**
 * Runs sessions on this machine. Owns the sessions that are here, and what an earlier host left of them; one id is never
 * here twice.
 */
import { TroupeError, type ErrorEnvelope } from '../base/errors.ts'
import type { LeftSession, SessionRunner, SessionSpec } from '../engine/ports.ts'
import { FolderWatches } from '../sandbox/folder-watches.ts'
import { IdleWatches } from './idle-watch.ts'
import { clearLeftovers, type Clearing } from './leftovers.ts'
import type { RunnerDeps, SessionsAtEnd } from './ports.ts'
import { SessionFolders } from './session-folders.ts'
import { SessionRun } from './session-run.ts'
import { parseProgress, toContinue } from './stored-progress.ts'

export interface LocalRunner extends SessionRunner {
  /** Ends all sessions as `lost`, so that their tasks go on when a host runs again, or leaves them at work for that host. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Ending everything must end itself: what is still waiting for the database then is given up. */
const DISPOSE_BOUND_MS = 20_000

function endRun(run: SessionRun, how: SessionsAtEnd): Promise<void> {
  if (how === 'leave') return run.leave()
  run.stop({ kind: 'host' })
  return run.done
}

const idsOf = (left: readonly LeftSession[]) => new Set(left.map(({ sessionId }) => sessionId))

export function makeLocalRunner(deps: RunnerDeps): LocalRunner {
  const runs = new Map<string, SessionRun>()
  const idle = new IdleWatches(deps.clock)
  const watches = new FolderWatches(deps.clock)
  const folders = new SessionFolders(deps)
  let clearing: Clearing = { ended: Promise.resolve(), removed: Promise.resolve() }
  let disposed = false
  const runDeps = {
    ...deps,
    idle,
    watches,
    folders,
    unmasked: new Set<string>(),
    get cleared() {
      return clearing.ended
    },
  }

  function begin(spec: SessionSpec): void {
    if (runs.has(spec.sessionId)) return
    const run = new SessionRun(runDeps, spec)
    runs.set(spec.sessionId, run)
    void run.done.finally(() => runs.delete(spec.sessionId))
  }

  return {
    async start(spec) {
      // The effect stays, and the next host begins the session.
      if (disposed) throw new TroupeError('ABORTED', 'The host stops, so no session begins.')
      begin(spec)
    },
    recover(left) {
      const { runRoot, logger } = deps
      const goOn = left.filter(({ progress }) => toContinue(parseProgress(progress)) !== undefined)
      clearing = clearLeftovers({ runRoot, continued: idsOf(goOn), live: idsOf(left), logger })
    },
    async stop(sessionId, error?: ErrorEnvelope) {
      const run = runs.get(sessionId)
      run?.stop(error ? { kind: 'bound', error } : { kind: 'asked' })
      return run !== undefined
    },
    answer: async (sessionId, answer) => (await runs.get(sessionId)?.answer(answer)) ?? false,
    send: async (sessionId, message) => (await runs.get(sessionId)?.send(message)) ?? false,
    async [Symbol.asyncDispose]() {
      disposed = true
      using _bound = deps.clock.after(DISPOSE_BOUND_MS, () => {
        for (const run of runs.values()) run.giveUp()
      })
      using _idle = idle
      using _folders = folders
      const how = deps.drives ? deps.atEnd() : 'leave'
      await Promise.all([...runs.values()].map((run) => endRun(run, how)))
      await clearing.removed
    },
  }
}
