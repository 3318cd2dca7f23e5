/** A task with the ledger agent, led step by step while something is wrong with the world. */
import { TroupeError } from '../../core/base/errors.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { TaskStatus } from '../../core/contract/statuses.ts'
import { checkStore, checkTask } from '../campaign/oracle.ts'
import type { World } from '../campaign/world.ts'

const TASK_BOUND_MS = 120_000
let plans = 0

/** Makes a task and starts it; `steps` as in the ledger agent's plan. */
export async function begin(world: World, steps: string): Promise<UnitTask> {
  const { client } = world.host
  const { repository } = await client.call('addRepository', { path: world.repository.path })
  const prompt = `Work. {{p${(plans += 1)}: ${steps}}}`
  const task = { repositoryId: repository.id, prompt, agent: 'ledger', start: true } as const
  return (await client.call('createUnitTask', task)).task
}

/** Settles when the task is so. */
export async function until(
  world: World,
  { id }: UnitTask,
  holds: TaskStatus | ((task: UnitTask) => boolean),
): Promise<UnitTask> {
  const found = typeof holds === 'string' ? (task: UnitTask) => task.status === holds : holds
  let task: UnitTask | undefined
  for (const deadline = performance.now() + TASK_BOUND_MS; performance.now() < deadline;) {
    task = (await world.host.client.call('getUnitTask', { id })).task
    if (found(task)) return task
    await sleep(25)
  }
  throw new Error(`the task is still ${JSON.stringify(task)}`)
}

export const isAtRest = ({ status }: UnitTask): boolean => status !== 'queued' && status !== 'in_progress'
export const isAsked = (task: UnitTask): boolean => task.waitingFor === 'input'

export async function answer(world: World, { id }: UnitTask): Promise<void> {
  const { questions } = await world.host.client.call('listQuestions', { id })
  for (const question of questions) {
    await world.host.client.call('answerQuestion', { questionId: question.id, answer: 'blue' })
  }
}

/** Answers whatever is asked until the task can be reviewed: a session that was lost may ask again. */
export async function answerUntilReview(world: World, task: UnitTask): Promise<void> {
  for (;;) {
    const now = await until(world, task, (seen) => isAsked(seen) || isAtRest(seen))
    if (now.status === 'in_review') return
    if (isAtRest(now)) throw new Error(`the task is ${JSON.stringify(now)}`)
    await answer(world, task)
  }
}

/** The error of a call that must fail. */
export async function refusal(call: Promise<unknown>): Promise<TroupeError> {
  const error: unknown = await call.then(
    () => new Error('the call was not refused'),
    (refused: unknown) => refused,
  )
  if (error instanceof TroupeError) return error
  throw error
}

/** What is wrong with a task at rest and with the store. */
export async function faultsOf(world: World, { agentTaskId }: UnitTask): Promise<readonly string[]> {
  return [...(await checkTask(world, agentTaskId)).violations, ...checkStore(world, { idle: false })]
}
