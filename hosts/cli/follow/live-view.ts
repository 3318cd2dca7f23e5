/**
 * What a person sees of a task at work. Owns: the spinner, and the messages that wait while a prompt is on the screen.
 *
 * 1. While held, nothing is written: a prompt has the screen for itself.
 * 2. What waits is bounded: beyond that the log is not read on until the prompt is gone.
 */
import yoctoSpinner from 'yocto-spinner'
import type { Message } from '../../../core/contract/messages.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { Output } from '../output.ts'
import { duration, shortId } from '../render/format.ts'
import { type LogRenderer, makeLogRenderer } from '../render/log.ts'
import { plainLine } from '../render/sanitize.ts'
import { statusText } from '../render/task.ts'
import { truncate } from '../render/width.ts'
import { type Streams, isInteractive } from '../streams.ts'

export interface LiveView extends Disposable {
  messages(messages: readonly Message[]): Promise<void>
  task(task: UnitTask): void
  /** Keeps the screen clear for a prompt. One at a time. */
  whileHeld<T>(prompt: () => Promise<T>): Promise<T>
}

export interface LiveViewOptions {
  readonly output: Output
  readonly streams: Streams
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly taskId: string
}

const MOST_WAITING = 1000
const TICK_MS = 1000

export function makeLiveView(options: LiveViewOptions): LiveView {
  const { output, signal, streams, taskId } = options
  // Who can be asked here needs no command for it.
  const answerWith = isInteractive(streams) ? undefined : () => `troupe task answer ${shortId(taskId)} "<answer>"`
  const renderer = makeLogRenderer(output.style, answerWith)
  const spinner = makeSpinner(options, renderer)
  let held: PromiseWithResolvers<void> | undefined
  let waiting: Message[] = []

  function show(messages: readonly Message[]): void {
    if (output.json) messages.forEach((message) => output.record(message))
    else output.lines(messages.flatMap((message) => renderer.lines(message)))
    spinner.update()
  }

  function release(): void {
    held?.resolve()
    held = undefined
    show(waiting)
    waiting = []
    spinner.start()
  }

  spinner.start()
  return {
    async messages(messages) {
      if (held) {
        waiting.push(...messages)
        if (waiting.length > MOST_WAITING) await held.promise
      } else show(messages)
      await output.drained(signal)
    },
    task: (task) => spinner.update(task),
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
  update(task?: UnitTask): void
}

/** `7s`, `3m 05s`: whole seconds, which is as often as the line changes. */
const elapsed = (ms: number): string => (ms < 10_000 ? `${Math.floor(ms / 1000)}s` : duration(ms))

/** Does nothing unless a person looks at a terminal. */
function makeSpinner({ output, streams, env }: LiveViewOptions, renderer: LogRenderer): ActivitySpinner {
  if (!output.style.terminal || output.json || 'CI' in env) return { start() {}, stop() {}, update() {} }
  const spinner = yoctoSpinner({ stream: streams.stdout, handleSignals: false })
  const since = output.style.now()
  let state = 'starting'
  let timer: ReturnType<typeof setInterval> | undefined

  const text = () => {
    const doing = state === 'in_progress' ? renderer.activity() : state
    // The time first: what the agent does may be long, and is cut.
    return truncate(`${elapsed(output.style.now() - since)} · ${plainLine(doing)}`, output.style.width - 4)
  }
  const update = (task?: UnitTask) => {
    if (task) state = statusText(task)
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
