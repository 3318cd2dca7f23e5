/** Waiting for a task to get somewhere. */
import { TroupeError } from '../base/errors.ts'
import type { UnitTask } from '../contract/records.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask } from './find.ts'

export interface Until {
  readonly signal: AbortSignal
  readonly boundMs: number
  readonly holds: (task: UnitTask) => boolean
}

/**
 * The task as soon as `holds` says so; looks again after each of its changes.
 * @throws TroupeError TIMEOUT after `boundMs`, ABORTED, NOT_FOUND when it is deleted meanwhile.
 */
export async function untilTask(deps: HandlerDeps, id: string, { signal, boundMs, holds }: Until): Promise<UnitTask> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(boundMs)])
  let wake = Promise.withResolvers<void>()
  using _listener = deps.engine.onChange((change) => {
    if (change.taskId === id) wake.resolve()
  })
  const abort = () => wake.resolve()
  bounded.addEventListener('abort', abort)
  try {
    for (;;) {
      const task = await findTask(deps.store, id)
      if (holds(task)) return task
      if (signal.aborted) throw new TroupeError('ABORTED', 'The caller gave up waiting for the task.')
      if (bounded.aborted)
        throw new TroupeError('TIMEOUT', `Task ${id} is still ${task.status} after ${boundMs / 1000} s.`)
      await wake.promise
      wake = Promise.withResolvers<void>()
    }
  } finally {
    bounded.removeEventListener('abort', abort)
  }
}
