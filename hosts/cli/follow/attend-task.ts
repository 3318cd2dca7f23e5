/**
 * Watches a task with a person, or a script, at the other end: shows the log, asks what the agent asks, and finds out
 * what Ctrl-C shall mean. Owns: the screen (live-view.ts) and the turns of prompts on it.
 */
import type { Message } from '../../../core/contract/messages.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import type { CommandContext } from '../context.ts'
import { isInteractive } from '../streams.ts'
import type { Attendance, AttendanceEnd, AttendOptions } from './attendance.ts'
import { followTask } from './follow-task.ts'
import { makeInterruption } from './interruption.ts'
import { makeLiveView } from './live-view.ts'
import { makeQuestions } from './questions.ts'

/** @throws TroupeError as the host says; the reason of the command's own signal */
export async function attendTask(
  context: CommandContext,
  client: Client,
  options: AttendOptions,
): Promise<AttendanceEnd> {
  const leaving = new AbortController()
  const signal = AbortSignal.any([context.signal, leaving.signal])
  using view = makeLiveView({ ...context, signal, taskId: options.taskId })
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
  const onMessage = makeQuestions(attendance, interruption)
  using interrupts = new DisposableStack()
  interrupts.use(context.shutdown.onInterrupt(() => interruption.hear()))

  async function messages(all: readonly Message[]): Promise<void> {
    await view.messages(all)
    all.forEach((message) => onMessage(message))
  }

  try {
    const task = await followTask(client, { ...options, signal }, { messages, task: (changed) => view.task(changed) })
    return interruption.stopping ? { kind: 'interrupted' } : { kind: 'rested', task }
  } catch (error) {
    if (end) return end
    throw leaving.signal.aborted && !context.signal.aborted ? leaving.signal.reason : error
  }
}
