/** Running a task: start, stop, talk to the agent, read its log. */
import { z } from 'zod'
import { message, messageBody, messageType } from '../messages.ts'
import { method } from '../method.ts'
import { agentSession, agentTask, id, question, unitTask } from '../records.ts'
import { questionStatus } from '../statuses.ts'

const task = z.object({ task: unitTask })
const subscription = z.object({ subscriptionId: z.string() })

export const execution = {
  startTaskExecution: method({
    params: z.object({ id }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Queues a draft; it runs as soon as there is room.',
  }),
  stopTaskExecution: method({
    params: z.object({ id }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Stops a task; answers when its processes are gone. The worktree stays.',
  }),
  sendMessage: method({
    params: z.object({ id, content: z.string().trim().min(1).max(1_000_000) }),
    result: z.object({}),
    errors: ['NOT_FOUND', 'CONFLICT', 'UNSUPPORTED'],
    access: 'member',
    doc: 'Says something more to an agent at work.',
  }),
  answerQuestion: method({
    params: z.object({ questionId: id, answer: z.string().min(1).max(100_000) }),
    result: z.object({ question }),
    errors: ['NOT_FOUND', 'CONFLICT', 'INVALID_PARAMS'],
    access: 'member',
    doc: 'Answers a question of an agent: the label of an option (several joined by ", ") or, for kind `question`, free text.',
  }),
  listQuestions: method({
    params: z.object({ id: id.optional(), status: questionStatus.default('pending') }),
    result: z.object({ questions: z.array(question) }),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Lists questions of one task or of all.',
  }),
  getExecutionLogs: method({
    params: z.object({
      sessionId: id,
      /** Gives messages with a higher sequence number. */
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(1000).default(200),
    }),
    result: z.object({ messages: z.array(message), lastSeq: z.number().int() }),
    errors: ['NOT_FOUND', 'LOG_DROPPED', 'LOG_ARCHIVE'],
    access: 'viewer',
    doc: 'Reads a page of the log of a session.',
  }),
  searchExecutionLogs: method({
    params: z.object({
      sessionId: id,
      /** Looked for in all texts of a message, without regard to case. */
      text: z.string().min(1).max(1000),
      types: z.array(messageType).min(1).optional(),
      /** Looks at messages with a higher sequence number. */
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(1000).default(200),
    }),
    result: z.object({
      messages: z.array(message),
      /** All messages up to this one were looked at. */
      after: z.number().int(),
      /** False: call again with this `after` to go on. */
      complete: z.boolean(),
    }),
    errors: ['NOT_FOUND', 'LOG_DROPPED', 'LOG_ARCHIVE'],
    access: 'viewer',
    doc: 'Finds messages of a session by their text; of a body over 1 MiB only the preview is searched.',
  }),
  applyRetention: method({
    params: z.object({}),
    result: z.object({
      archived: z.number().int(),
      dropped: z.number().int(),
      /** What the database uses afterwards. */
      usedBytes: z.number().int(),
    }),
    errors: ['LOG_ARCHIVE', 'CONFIG_INVALID'],
    access: 'admin',
    doc: 'Archives or drops logs of finished tasks now, as [retention] says; the host does it once a day.',
  }),
  getMessageBody: method({
    params: z.object({ sessionId: id, seq: z.number().int().positive() }),
    result: z.object({ body: messageBody }),
    errors: ['NOT_FOUND', 'LOG_DROPPED', 'LOG_ARCHIVE'],
    access: 'viewer',
    doc: 'Gives the whole body of a message whose log entry is a preview.',
  }),
  subscribeExecutionLogs: method({
    params: z.object({ sessionId: id, after: z.number().int().min(0).default(0), deltas: z.boolean().default(false) }),
    result: subscription,
    errors: ['NOT_FOUND', 'LIMIT_SUBSCRIPTIONS', 'UNSUPPORTED'],
    access: 'viewer',
    subscribes: true,
    doc: 'Sends every message after a sequence number, once and in order, as `executionLog`; then `subscriptionEnded`.',
  }),
  subscribeTasks: method({
    params: z.object({ id: id.optional() }),
    result: subscription,
    errors: ['NOT_FOUND', 'LIMIT_SUBSCRIPTIONS', 'UNSUPPORTED'],
    access: 'viewer',
    subscribes: true,
    doc: 'Sends `taskChanged` with the record whenever a task, or this one, has changed.',
  }),
  unsubscribe: method({
    params: z.object({ subscriptionId: z.string() }),
    result: z.object({}),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    subscribes: true,
    doc: 'Ends a subscription of this connection.',
  }),
  getAgentTask: method({
    params: z.object({ id }),
    result: z.object({ agentTask }),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives the retryable unit of a task with all its sessions.',
  }),
  getAgentSession: method({
    params: z.object({ id }),
    result: z.object({ session: agentSession }),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives one session.',
  }),
}
