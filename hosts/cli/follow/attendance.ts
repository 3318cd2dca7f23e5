/** What the parts of watching tasks share. */
import type { Client } from '../../../core/rpc/client/index.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { CommandContext } from '../context.ts'
import type { FollowOptions } from './follow-task.ts'
import type { LiveView } from './live-view.ts'

/** A task that is watched. */
export interface Watched extends Omit<FollowOptions, 'signal'> {
  /** What its lines begin with, where several tasks are watched; plain, one line. */
  readonly label?: string
}

export interface AttendOptions {
  readonly tasks: readonly Watched[]
  /** What Ctrl-C does where nobody can be asked. */
  readonly onInterrupt: 'stop' | 'leave'
  /** Leave when an agent asks something and nobody is here to answer. */
  readonly exitOnQuestion: boolean
}

/** How the watching ended. */
export type AttendanceEnd =
  /** All tasks rest; they are in the order in which they were given. `errors`: those that their logs have shown. */
  | { readonly kind: 'rested'; readonly tasks: readonly UnitTask[]; readonly errors: ReadonlySet<string> }
  /** The person left; the tasks go on. */
  | { readonly kind: 'detached' }
  /** An agent waits for an answer that nobody here can give. */
  | { readonly kind: 'waiting' }
  /** Ctrl-C; the tasks were told to stop if they were to. */
  | { readonly kind: 'interrupted' }

export interface Attendance {
  readonly context: CommandContext
  readonly client: Client
  readonly options: AttendOptions
  /** A person sees prompts and can answer them. */
  readonly interactive: boolean
  readonly view: LiveView
  /** Aborts when the watching ends. */
  readonly signal: AbortSignal
  /** Ends the watching; the first call counts. */
  readonly leave: (end: AttendanceEnd) => void
  /** Runs prompts one after the other, so that one has the screen; a failure ends the watching with it. */
  readonly inTurn: (work: () => Promise<void>) => void
}
