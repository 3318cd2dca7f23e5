/** What a host sends unasked to a connection that subscribed. */
import { z } from 'zod'
import { delta, message } from './messages.ts'
import { errorRecord, unitTask } from './records.ts'

export const notifications = {
  executionLog: z.object({ subscriptionId: z.string(), messages: z.array(message) }),
  executionDelta: z.object({ subscriptionId: z.string(), delta }),
  /** Without `task` when it was deleted. */
  taskChanged: z.object({ subscriptionId: z.string(), taskId: z.string(), task: unitTask.optional() }),
  subscriptionEnded: z.object({
    subscriptionId: z.string(),
    /** `ended`: the session is over and all was sent; `slow`: resume from `resumeFrom`; `failed`: see the error. */
    reason: z.enum(['ended', 'slow', 'failed']),
    /** Subscribe again with `after` set to this. */
    resumeFrom: z.number().int().optional(),
    error: errorRecord.optional(),
  }),
}
export type NotificationName = keyof typeof notifications
export type NotificationParams<Name extends NotificationName> = z.infer<(typeof notifications)[Name]>
