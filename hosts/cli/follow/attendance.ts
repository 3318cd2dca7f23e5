/** What the parts of watching one task share. */
import type { Client } from '../../../core/rpc/client/index.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { CommandContext } from '../context.ts'
import type { FollowOptions } from './follow-task.ts'
import type { LiveView } from './live-view.ts'

export interface AttendOptions extends Omit<FollowOptions, 'signal'> {
  /** What Ctrl-C does where nobody can be asked. */
  readonly onInterrupt: 'stop' | 'leave'
  /** Leave when the agent asks something and nobody is here to answer. */
  readonly exitOnQuestion: boolean
}

/** How the watching ended. */
export type AttendanceEnd =
  | { readonly kind: 'rested'; readonly task: UnitTask }
  /** The person left; the task goes on. */
  | { readonly kind: 'detached' }
  /** The agent waits for an answer that nobody here can give. */
  | { readonly kind: 'waiting' }
  /** Ctrl-C; the task was told to stop if it was to. */
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
