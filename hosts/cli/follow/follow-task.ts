/** A task from now until it rests: the logs of its sessions one after the other. */
import type { Message } from '../../../core/contract/messages.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { TaskStatus } from '../../../core/contract/statuses.ts'
import { type Client, followLog } from '../../../core/rpc/client/index.ts'
import { watchTask } from './task-watch.ts'

export interface FollowOptions {
  readonly taskId: string
  /** Where to begin in a session's log; the default is its start. */
  readonly after?: { readonly sessionId: string; readonly seq: number }
  /** A session whose log was seen before: only later ones are shown. */
  readonly skipSession?: string
  readonly signal: AbortSignal
}

export interface TaskFollower {
  /** The next messages come when this has settled. */
  messages(messages: readonly Message[]): void | Promise<void>
  task(task: UnitTask): void
}

/** How long the rest of a log may take to arrive after the task has come to rest. */
const LAST_MESSAGES_WITHIN_MS = 60_000

const AT_WORK: ReadonlySet<TaskStatus> = new Set(['queued', 'in_progress'])

/** Nothing happens any more until a person acts. */
export const isResting = ({ status }: UnitTask): boolean => !AT_WORK.has(status)

/** Gives the task as it rests. @throws TroupeError as the host says; the signal's reason */
export async function followTask(client: Client, options: FollowOptions, follower: TaskFollower): Promise<UnitTask> {
  const settled = new AbortController()
  using watch = await watchTask(client, options.taskId, options.signal, (task) => {
    follower.task(task)
    if (isResting(task)) setTimeout(() => settled.abort(), LAST_MESSAGES_WITHIN_MS).unref()
  })
  let seen = options.skipSession
  for (;;) {
    const { sessionId } = watch.task
    if (sessionId !== undefined && sessionId !== seen) {
      seen = sessionId
      await followSession(client, { ...options, sessionId, settled: settled.signal }, follower)
    } else if (isResting(watch.task)) return watch.task
    else await watch.changed()
  }
}

interface SessionOptions extends FollowOptions {
  readonly sessionId: string
  readonly settled: AbortSignal
}

async function followSession(client: Client, options: SessionOptions, follower: TaskFollower): Promise<void> {
  const { sessionId, after, settled, signal } = options
  const cursor = { sessionId, after: after?.sessionId === sessionId ? after.seq : 0 }
  try {
    await followLog(client, cursor, (messages) => follower.messages(messages), AbortSignal.any([signal, settled]))
  } catch (error) {
    if (signal.aborted || !settled.aborted) throw error
  }
}
