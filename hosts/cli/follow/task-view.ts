/** One task on the screen: its messages as lines, which say whose they are where several tasks are watched. */
import type { Message } from '../../../core/contract/messages.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { shortId } from '../render/format.ts'
import { makeLogRenderer } from '../render/log.ts'
import { type Style, narrower } from '../render/style.ts'
import { statusText } from '../render/task.ts'
import { displayWidth, padEnd } from '../render/width.ts'
import type { Watched } from './attendance.ts'

export interface TaskView {
  lines(message: Message): string[]
  /** The message as a line of NDJSON has it. */
  record(message: Message): object
  /** The newest state. */
  task(task: UnitTask): void
  /** What goes on now, on one line; not yet plain. */
  activity(): string
}

export interface TaskViewOptions {
  readonly style: Style
  /** A person here can answer without a command. */
  readonly interactive: boolean
}

const LABEL_FORMATS = ['cyan', 'magenta', 'yellow', 'green', 'blue', 'red'] as const

/** Views of tasks that share a screen, in the order of the tasks. */
export function makeTaskViews(tasks: readonly Watched[], options: TaskViewOptions): TaskView[] {
  const width = Math.max(0, ...tasks.map(({ label = '' }) => displayWidth(label)))
  return tasks.map((watched, at) => {
    const format = LABEL_FORMATS[at % LABEL_FORMATS.length] ?? 'cyan'
    const { label } = watched
    return label === undefined
      ? makeTaskView(watched, { ...options, margin: '', label: '' })
      : makeTaskView(watched, {
          style: narrower(options.style, width + 3),
          interactive: options.interactive,
          margin: options.style.paint(format, `${padEnd(label, width)} │`),
          label,
        })
  })
}

interface Margin {
  /** Before each line; may be painted. */
  readonly margin: string
  readonly label: string
}

function makeTaskView({ taskId }: Watched, { style, interactive, margin, label }: TaskViewOptions & Margin): TaskView {
  const answerWith = interactive ? undefined : () => `troupe task answer ${shortId(taskId)} "<answer>"`
  const renderer = makeLogRenderer(style, answerWith)
  let state = 'starting'
  return {
    lines: (message) => {
      const lines = renderer.lines(message)
      return margin === '' ? lines : lines.map((line) => (line === '' ? margin : `${margin} ${line}`))
    },
    record: (message) => (label === '' ? message : { ...message, taskId }),
    task: (task) => void (state = statusText(task)),
    activity() {
      const doing = state === 'in_progress' ? renderer.activity() : state
      return label === '' ? doing : `${label}: ${doing}`
    },
  }
}
