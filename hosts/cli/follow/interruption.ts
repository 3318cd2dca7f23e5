/** Ctrl-C while a task is watched. Owns: whether the task was told to stop. */
import type { Attendance } from './attendance.ts'
import { askInterruption } from './prompts.ts'

export interface Interruption {
  /** True from when the task was told to stop. */
  readonly stopping: boolean
  /** Ctrl-C was pressed. */
  hear(): void
  /** Asks at once, from within another prompt's turn. */
  ask(): Promise<void>
}

const STOP_WITHIN_MS = 30_000

export function makeInterruption(attendance: Attendance): Interruption {
  const { client, context, interactive, leave, options, signal, view } = attendance
  let stopping = false

  async function stop(how: 'watch' | 'leave'): Promise<void> {
    stopping = true
    const stopped = client.call('stopTaskExecution', { id: options.taskId }, { timeoutMs: STOP_WITHIN_MS })
    await stopped.finally(() => how === 'leave' && leave({ kind: 'interrupted' }))
  }

  async function ask(): Promise<void> {
    if (!interactive) return options.onInterrupt === 'stop' ? stop('watch') : leave({ kind: 'interrupted' })
    const choice = await view.whileHeld(() => askInterruption({ streams: context.streams, signal }))
    if (choice === 'detach') leave({ kind: 'detached' })
    else if (choice !== 'continue') await stop(choice === 'stop' ? 'watch' : 'leave')
  }

  return {
    get stopping() {
      return stopping
    },
    ask,
    // Once the task was told to stop, Ctrl-C means that the person does not want to wait for it.
    hear: () => (stopping ? leave({ kind: 'interrupted' }) : attendance.inTurn(ask)),
  }
}
