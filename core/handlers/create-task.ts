/** Making unit tasks: everything that they need to know is settled here, so that running them cannot be surprised. */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { ParsedParams } from '../contract/catalogue.ts'
import type { UnitTask } from '../contract/records.ts'
import type { TaskInput } from '../machines/task-events.ts'
import { insertAgentTask } from '../store/agent-tasks.ts'
import { insertTask } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import { choose, type Choice } from './choice.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask } from './find.ts'
import { findSubject, type Subject } from './subject.ts'

const TITLE_LENGTH = 80

/** What the tasks of one prompt have in common. */
interface Common {
  readonly subject: Subject
  readonly prompt: string
  readonly title: string
  readonly start: boolean
  readonly comparisonId?: string
}

/** What each has for itself. */
interface Own {
  readonly id: string
  readonly choice: Choice
  readonly branchName: string
}

function titleOf(prompt: string): string {
  const line = prompt.split(/\r?\n/, 1)[0]?.trim() ?? ''
  return line.length > TITLE_LENGTH
    ? `${Array.from(line)
        .slice(0, TITLE_LENGTH - 1)
        .join('')}…`
    : line
}

async function insertRows(tx: Tx, common: Common, { id, choice, branchName }: Own): Promise<void> {
  const { subject, prompt, title, comparisonId } = common
  const { totalMs: _, ...chosen } = choice
  const { agent, model } = choice
  const agentTaskId = newId()
  const baseRemotes = [{ repositoryId: subject.repositoryId, branch: subject.baseBranch }]
  await insertAgentTask(tx, { id: agentTaskId, agent, model, baseRemotes })
  await insertTask(tx, {
    ...chosen,
    id,
    agentTaskId,
    comparisonId,
    title,
    prompt,
    branchName,
    repositoryGroupId: subject.groupId,
    baseBranch: subject.baseBranch,
    status: 'draft',
  })
}

/** Attempts begin from one commit, however late and wherever the base branch is then. */
function toActor({ subject, prompt, start, comparisonId }: Common, { id, choice }: Own) {
  const pinned = comparisonId === undefined ? {} : { baseCommit: subject.headCommit }
  const input: TaskInput = { taskId: id, prompt, totalMs: choice.totalMs, start, ...pinned }
  return { machine: 'unitTask' as const, id, input }
}

/** All of them or none. */
async function makeTasks({ engine }: HandlerDeps, common: Common, tasks: readonly Own[]): Promise<void> {
  await engine.spawn(
    tasks.map((own) => toActor(common, own)),
    async (tx) => {
      for (const own of tasks) await insertRows(tx, common, own)
    },
  )
}

/** @throws TroupeError what `createUnitTask` declares. */
export async function createTask(deps: HandlerDeps, params: ParsedParams<'createUnitTask'>): Promise<UnitTask> {
  const { store, workspace } = deps
  const { prompt, start, title = titleOf(prompt) } = params
  const subject = await findSubject(deps, params)
  const choice = await choose(deps, params, subject.path)
  if (params.branchName !== undefined) await workspace.checkBranch(subject.path, params.branchName)
  const id = newId()
  const named = { taskId: id, title, agent: choice.agent }
  const branchName = params.branchName ?? workspace.branchName(named, subject.path)
  await makeTasks(deps, { subject, prompt, title, start }, [{ id, choice, branchName }])
  return findTask(store, id)
}

/**
 * Makes the tasks of a comparison and gives its id.
 * @throws TroupeError what `createComparison` declares.
 */
export async function createAttempts(deps: HandlerDeps, params: ParsedParams<'createComparison'>): Promise<string> {
  const { prompt, start, sandbox, title = titleOf(prompt) } = params
  const subject = await findSubject(deps, params)
  const choices: Choice[] = []
  for (const attempt of params.attempts) choices.push(await choose(deps, { ...attempt, sandbox }, subject.path))
  assertDifferent(choices)
  const comparisonId = newId()
  await makeTasks(deps, { subject, prompt, title, start, comparisonId }, toOwn(deps, { subject, title, choices }))
  return comparisonId
}

/** What the configuration adds counts too: an agent with its own default model is the same attempt. */
function assertDifferent(choices: readonly Choice[]): void {
  const keys = choices.map(({ agent, model, permissionMode }) => JSON.stringify([agent, model, permissionMode]))
  const second = keys.findIndex((key, at) => keys.indexOf(key) < at)
  if (second < 0) return
  const first = keys.indexOf(keys[second] ?? '')
  const { agent, model } = choices[second] ?? {}
  const what = model === undefined ? agent : `${agent} with model ${model}`
  fail(
    'INVALID_PARAMS',
    `Attempts ${first + 1} and ${second + 1} are the same: ${what}. Give each another agent or model.`,
  )
}

/** A template without `${taskId}` names the branches of all attempts alike; then they are numbered. */
function toOwn(
  { workspace }: HandlerDeps,
  { subject, title, choices }: { subject: Subject; title: string; choices: readonly Choice[] },
): Own[] {
  const taken = new Set<string>()
  return choices.map((choice) => {
    const id = newId()
    const name = workspace.branchName({ taskId: id, title, agent: choice.agent }, subject.path)
    let branchName = name
    for (let number = 2; taken.has(branchName); number += 1) branchName = `${name}-${number}`
    taken.add(branchName)
    return { id, choice, branchName }
  })
}
