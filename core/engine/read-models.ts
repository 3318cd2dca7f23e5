/** The queryable rows of actors: made when an actor is spawned, brought up to date in every step (E2). */
import { toIso } from '../base/clock.ts'
import type { Records } from '../machines/effects.ts'
import type { SessionStatus } from '../contract/statuses.ts'
import { sessionColumns, statusOf, taskColumns } from '../machines/columns.ts'
import type { ActorState, PlannedRecord, SessionState, Step, TaskState } from '../machines/step.ts'
import { answerQuestion, insertQuestion, withdrawQuestions } from '../store/questions.ts'
import { insertSession, listSessionsOfTask, updateSession } from '../store/sessions.ts'
import { getTask, updateTask } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import { fail } from '../base/errors.ts'

/** The task that an actor is or belongs to. */
export const taskOf = (state: ActorState): string => state.context.taskId

/** Makes the row of a session; what it does not say itself it takes from its task. */
export async function insertSessionRow(tx: Tx, { id, input }: Records['spawn'], status: SessionStatus): Promise<void> {
  const task = (await getTask(tx, input.taskId)) ?? fail('NOT_FOUND', `There is no task ${input.taskId}.`)
  await insertSession(tx, {
    status,
    id,
    unitTaskId: task.id,
    agentTaskId: task.agentTaskId,
    workerId: input.workerId,
    agent: task.agent,
    model: task.model,
    permissionMode: task.permissionMode,
    sandbox: task.sandbox,
    prompt: input.prompt,
    attempt: (await listSessionsOfTask(tx, task.id)).length + 1,
    ...(input.resume !== undefined && { resumeOf: input.resume }),
  })
}

async function updateTaskRow(tx: Tx, id: string, { state, before }: Changed<TaskState>): Promise<void> {
  const columns = taskColumns(state)
  const queued = columns.status === 'queued' && before?.status !== 'queued'
  await updateTask(tx, id, { ...columns, ...(queued && { queuedAt: toIso(tx.clock.now()) }) })
}

async function updateSessionRow(tx: Tx, id: string, { state, before }: Changed<SessionState>): Promise<void> {
  const columns = sessionColumns(state)
  const begins = before?.status === 'assigned' && columns.status !== 'assigned'
  const now = toIso(tx.clock.now())
  await updateSession(tx, id, {
    ...columns,
    ...(begins && { startedAt: now }),
    ...(columns.outcome !== null && { endedAt: now }),
  })
}

interface Changed<State extends ActorState> {
  readonly state: State
  readonly before: { readonly status: string } | undefined
}

/** Brings the row of an actor up to its step. */
export function updateRow(tx: Tx, id: string, { state, before }: Pick<Step, 'state' | 'before'>): Promise<void> {
  const previous = before && { status: statusOf(before) }
  return state.machine === 'unitTask'
    ? updateTaskRow(tx, id, { state, before: previous })
    : updateSessionRow(tx, id, { state, before: previous })
}

/** Writes a record that a step planned; `spawn` is the commit's own. */
export async function writeRecord(tx: Tx, record: Exclude<PlannedRecord, { type: 'spawn' }>): Promise<void> {
  switch (record.type) {
    case 'recordQuestion': {
      const { sessionId, taskId, question } = record.params
      const { questionId, question: prompt, ...rest } = question
      await insertQuestion(tx, {
        id: questionId,
        sessionId,
        unitTaskId: taskId,
        prompt,
        status: 'pending',
        ...toMutable(rest),
      })
      return
    }
    case 'recordAnswer':
      await answerQuestion(tx, {
        id: record.params.questionId,
        answer: record.params.answer,
        answeredBy: record.params.by,
      })
      return
    case 'withdrawQuestions':
      await withdrawQuestions(tx, { ids: record.params.questionIds })
  }
}

type Asked = Omit<Records['recordQuestion']['question'], 'questionId' | 'question'>
const toMutable = ({ kind, options, multiple }: Asked) => ({ kind, options: options && [...options], multiple })
