/**
 * What a person sees of tasks at work. Owns: the spinner, and the messages that wait while a prompt is on the screen.
 *
 * 1. While held, nothing is written: a prompt has the screen for itself.
 * 2. What waits is bounded: beyond that the logs are not read on until the prompt is gone.
 */
import yoctoSpinner from 'yocto-spinner'
import type { Message } from '../../../core/contract/messages.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { fail } from '../../../core/base/errors.ts'
import type { Output } from '../output.ts'
import { duration } from '../render/format.ts'
import { plainLine } from '../render/sanitize.ts'
import { truncate } from '../render/width.ts'
import { type Streams, isInteractive } from '../streams.ts'
import type { Watched } from './attendance.ts'
import { makeTaskViews, type TaskView } from './task-view.ts'

export interface LiveView extends Disposable {
  /** The part of one of the tasks. */
  of(task: Watched): ShownTask
  /** Keeps the screen clear for a prompt. One at a time. */
  whileHeld<T>(prompt: () => Promise<T>): Promise<T>
}

export interface ShownTask {
  messages(messages: readonly Message[]): Promise<void>
  task(task: UnitTask): void
}

export interface LiveViewOptions {
  readonly output: Output
  readonly streams: Streams
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly tasks: readonly Watched[]
}

const MOST_WAITING = 1000
const TICK_MS = 1000

interface Waiting {
  readonly view: TaskView
  readonly message: Message
}

export function makeLiveView(options: LiveViewOptions): LiveView {
  const { output, signal, streams, tasks } = options
  const views = makeTaskViews(tasks, { style: output.style, interactive: isInteractive(streams) })
  const spinner = makeSpinner(options, () => views.map((view) => view.activity()).join(' · '))
  let held: PromiseWithResolvers<void> | undefined
  let waiting: Waiting[] = []

  function show(all: readonly Waiting[]): void {
    if (output.json) for (const { view, message } of all) output.record(view.record(message))
    else output.lines(all.flatMap(({ view, message }) => view.lines(message)))
    spinner.update()
  }

  function release(): void {
    held?.resolve()
    held = undefined
    show(waiting)
    waiting = []
    spinner.start()
  }

  async function take(all: readonly Waiting[]): Promise<void> {
    if (held) {
      waiting.push(...all)
      if (waiting.length > MOST_WAITING) await held.promise
    } else show(all)
    await output.drained(signal)
  }

  spinner.start()
  return {
    of(task) {
      const view = views[tasks.indexOf(task)] ?? fail('INTERNAL', `Task ${task.taskId} has no place on the screen.`)
      return {
        messages: (messages) => take(messages.map((message) => ({ view, message }))),
        task(changed) {
          view.task(changed)
          spinner.update()
        },
      }
    },
    async whileHeld(prompt) {
      held = Promise.withResolvers()
      spinner.stop()
      try {
        return await prompt()
      } finally {
        release()
      }
    },
    [Symbol.dispose]() {
      held?.resolve()
      spinner.stop()
      show(waiting)
    },
  }
}

interface ActivitySpinner {
  start(): void
  stop(): void
  update(): void
}

/** `7s`, `3m 05s`: whole seconds, which is as often as the line changes. */
const elapsed = (ms: number): string => (ms < 10_000 ? `${Math.floor(ms / 1000)}s` : duration(ms))

/** Does nothing unless a person looks at a terminal. */
function makeSpinner({ output, streams, env }: LiveViewOptions, activity: () => string): ActivitySpinner {
  if (!output.style.terminal || output.json || 'CI' in env) return { start() {}, stop() {}, update() {} }
  const spinner = yoctoSpinner({ stream: streams.stdout, handleSignals: false })
  const since = output.style.now()
  let timer: ReturnType<typeof setInterval> | undefined

  // The time first: what the agents do may be long, and is cut.
  const text = () =>
    truncate(`${elapsed(output.style.now() - since)} · ${plainLine(activity())}`, output.style.width - 4)
  const update = () => {
    if (spinner.isSpinning) spinner.text = text()
  }
  return {
    start() {
      spinner.start(text())
      timer ??= setInterval(update, TICK_MS).unref()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
      spinner.stop()
    },
    update,
  }
}
