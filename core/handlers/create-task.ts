/** Making a unit task: everything that it needs to know is settled here, so that running it cannot be surprised. */
import { fail } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/ids.ts'
import type { ParsedParams } from '../contract/catalogue.ts'
import type { AgentInfo, Repository, RepositoryGroup, UnitTask } from '../contract/records.ts'
import type { PermissionMode, SandboxKind } from '../contract/statuses.ts'
import { insertAgentTask } from '../store/agent-tasks.ts'
import { groupOfOne, insertGroup } from '../store/groups.ts'
import { insertTask } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import type { HandlerDeps } from './deps.ts'
import { findGroup, findRepository, findTask } from './find.ts'

type Params = ParsedParams<'createUnitTask'>
const TITLE_LENGTH = 80

interface Subject {
  readonly group: RepositoryGroup
  readonly repository: Repository
  readonly path: string
}

async function ensureGroupOfOne(tx: Tx, repository: Repository): Promise<RepositoryGroup> {
  const existing = await groupOfOne(tx, repository.id)
  if (existing) return existing
  return insertGroup(tx, { id: newId(), workspaceId: repository.workspaceId, repositoryIds: [repository.id] })
}

async function findGroupOf(tx: Tx, params: Params): Promise<RepositoryGroup> {
  const { repositoryGroupId, repositoryId } = params
  if (repositoryGroupId !== undefined && repositoryId === undefined) return findGroup(tx, repositoryGroupId)
  if (repositoryId !== undefined && repositoryGroupId === undefined) {
    return ensureGroupOfOne(tx, await findRepository(tx, repositoryId))
  }
  return fail('INVALID_PARAMS', 'Name what to work on: give either repositoryId or repositoryGroupId.')
}

async function findSubject(tx: Tx, params: Params): Promise<Subject> {
  const group = await findGroupOf(tx, params)
  if (group.repositoryIds.length > 1) {
    fail('UNSUPPORTED', 'Tasks on several repositories at once are not possible yet. Name one repository.')
  }
  const repository = await findRepository(tx, group.repositoryIds[0] ?? '')
  const path =
    repository.localPath ?? fail('UNSUPPORTED', `Repository ${repository.name} has no folder on this machine.`)
  return { group, repository, path }
}

interface Choice {
  readonly agent: string
  readonly model?: string | undefined
  readonly permissionMode: PermissionMode
  readonly sandbox: SandboxKind
  readonly totalMs: number
}

/** An agent with one mode only has nothing to choose, so a default for other agents does not bind it. */
function choosePermissionMode(
  { name, permissionModes }: AgentInfo,
  wanted: PermissionMode | undefined,
  configured: PermissionMode,
): PermissionMode {
  const [only, ...others] = permissionModes
  const mode = wanted ?? (only !== undefined && others.length === 0 ? only : configured)
  if (permissionModes.includes(mode)) return mode
  return fail('UNSUPPORTED', `${name} has no permission mode "${mode}"; it has ${permissionModes.join(', ')}.`)
}

async function choose(deps: HandlerDeps, params: Params, path: string): Promise<Choice> {
  const settings = deps.settings.forTask(path)
  const agent = params.agent ?? settings.agent
  const known = await deps.agents.agents(false)
  const info = known.find((candidate) => candidate.agent === agent)
  if (!info) {
    const names = known.map((candidate) => candidate.agent).join(', ')
    return fail('AGENT_NOT_FOUND', `There is no agent "${agent}". There is: ${names || 'none; see listPlugins'}.`)
  }
  const own = settings.forAgent(agent)
  const permissionMode = choosePermissionMode(info, params.permissionMode, own.permissionMode)
  const sandbox = params.sandbox ?? settings.sandbox
  if (sandbox !== 'process') {
    fail('SANDBOX_UNSUPPORTED', `Sandbox "${sandbox}" is not available yet. Use "process", which does not isolate.`)
  }
  return { agent, model: params.model ?? own.model, permissionMode, sandbox, totalMs: settings.totalMs }
}

function titleOf(prompt: string): string {
  const line = prompt.split(/\r?\n/, 1)[0]?.trim() ?? ''
  return line.length > TITLE_LENGTH
    ? `${Array.from(line)
        .slice(0, TITLE_LENGTH - 1)
        .join('')}…`
    : line
}

/** @throws TroupeError what `createUnitTask` declares. */
export async function createTask(deps: HandlerDeps, params: Params): Promise<UnitTask> {
  const { store, engine, workspace } = deps
  const subject = await store.transaction((tx) => findSubject(tx, params))
  const choice = await choose(deps, params, subject.path)
  const facts = await workspace.inspect(subject.path, params.baseBranch ?? subject.repository.defaultBranch)
  if (params.branchName !== undefined) await workspace.checkBranch(subject.path, params.branchName)
  const id = newId()
  const agentTaskId = newId()
  const title = params.title ?? titleOf(params.prompt)
  const branchName = params.branchName ?? workspace.branchName({ taskId: id, title }, subject.path)
  const { totalMs, ...chosen } = choice
  await engine.spawn({ machine: 'unitTask', id, input: { taskId: id, prompt: params.prompt, totalMs } }, async (tx) => {
    const baseRemotes = [{ repositoryId: subject.repository.id, branch: facts.defaultBranch }]
    await insertAgentTask(tx, { id: agentTaskId, agent: choice.agent, model: choice.model, baseRemotes })
    await insertTask(tx, {
      ...chosen,
      id,
      agentTaskId,
      title,
      branchName,
      repositoryGroupId: subject.group.id,
      prompt: params.prompt,
      baseBranch: facts.defaultBranch,
      status: 'draft',
    })
  })
  faultPoint('handlers.task-created')
  if (params.start) await engine.command(id, { type: 'start' })
  return findTask(store, id)
}
