/** Ctrl-C while tasks are watched. Owns: whether they were told to stop. */
import type { Attendance, Watched } from './attendance.ts'
import { isResting } from './follow-task.ts'
import { askInterruption } from './prompts.ts'

export interface Interruption {
  /** True from when the tasks were told to stop. */
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

  /** Work that is ready for review stays so. */
  async function stopOne({ taskId: id }: Watched): Promise<void> {
    const { task } = await client.call('getUnitTask', { id }, { timeoutMs: STOP_WITHIN_MS })
    if (!isResting(task)) await client.call('stopTaskExecution', { id }, { timeoutMs: STOP_WITHIN_MS })
  }

  async function stop(how: 'watch' | 'leave'): Promise<void> {
    stopping = true
    await Promise.all(options.tasks.map(stopOne)).finally(() => how === 'leave' && leave({ kind: 'interrupted' }))
  }

  async function ask(): Promise<void> {
    if (!interactive) return options.onInterrupt === 'stop' ? stop('watch') : leave({ kind: 'interrupted' })
    const prompt = { streams: context.streams, signal }
    const choice = await view.whileHeld(() => askInterruption(options.tasks.length, prompt))
    if (choice === 'detach') leave({ kind: 'detached' })
    else if (choice !== 'continue') await stop(choice === 'stop' ? 'watch' : 'leave')
  }

  return {
    get stopping() {
      return stopping
    },
    ask,
    // Once the tasks were told to stop, Ctrl-C means that the person does not want to wait for it.
    hear: () => (stopping ? leave({ kind: 'interrupted' }) : attendance.inTurn(ask)),
  }
}
