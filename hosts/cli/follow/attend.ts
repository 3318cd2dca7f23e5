/**
 * Watches tasks with a person, or a script, at the other end: shows their logs, asks what the agents ask, and finds out
 * what Ctrl-C shall mean. Owns: the screen (live-view.ts) and the turns of prompts on it.
 */
import type { Message } from '../../../core/contract/messages.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import type { CommandContext } from '../context.ts'
import { isInteractive } from '../streams.ts'
import type { Attendance, AttendanceEnd, AttendOptions, Watched } from './attendance.ts'
import { followTask } from './follow-task.ts'
import { makeInterruption } from './interruption.ts'
import { makeLiveView } from './live-view.ts'
import { makeQuestions } from './questions.ts'

/** @throws TroupeError as the host says; the reason of the command's own signal */
export async function attend(context: CommandContext, client: Client, options: AttendOptions): Promise<AttendanceEnd> {
  const leaving = new AbortController()
  const signal = AbortSignal.any([context.signal, leaving.signal])
  using view = makeLiveView({ ...context, signal, tasks: options.tasks })
  let end: AttendanceEnd | undefined
  let turn = Promise.resolve()

  const attendance: Attendance = {
    context,
    client,
    options,
    view,
    signal,
    interactive: isInteractive(context.streams) && !context.output.json,
    leave: (how) => {
      end ??= how
      leaving.abort()
    },
    inTurn: (work) => {
      turn = turn.then(() => (signal.aborted ? undefined : work())).catch((error: unknown) => leaving.abort(error))
    },
  }
  const interruption = makeInterruption(attendance)
  using interrupts = new DisposableStack()
  interrupts.use(context.shutdown.onInterrupt(() => interruption.hear()))

  try {
    const errors = new Set<string>()
    const tasks = await Promise.all(
      options.tasks.map((watched) => {
        const onMessage = makeQuestions(attendance, interruption, watched)
        return follow(attendance, watched, (message) => {
          if (message.type === 'error') errors.add(message.message)
          onMessage(message)
        })
      }),
    )
    return interruption.stopping ? { kind: 'interrupted' } : { kind: 'rested', tasks, errors }
  } catch (error) {
    if (end) return end
    throw leaving.signal.aborted && !context.signal.aborted ? leaving.signal.reason : error
  } finally {
    // When one task could not be followed, nobody waits for the others.
    leaving.abort()
  }
}

function follow(
  { client, signal, view }: Attendance,
  watched: Watched,
  onMessage: (message: Message) => void,
): Promise<UnitTask> {
  const shown = view.of(watched)

  async function messages(all: readonly Message[]): Promise<void> {
    await shown.messages(all)
    all.forEach((message) => onMessage(message))
  }
  return followTask(client, { ...watched, signal }, { messages, task: (changed) => shown.task(changed) })
}
