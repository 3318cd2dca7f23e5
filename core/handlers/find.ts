/** Records by id, or a NOT_FOUND that says which kind is missing. */
import { fail } from '../base/errors.ts'
import type { AgentSession, Question, Repository, RepositoryGroup, UnitTask, Workspace } from '../contract/records.ts'
import { getGroup } from '../store/groups.ts'
import { getQuestion } from '../store/questions.ts'
import { getRepository } from '../store/repositories.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { getTask } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import { ensureDefaultWorkspace, getWorkspace } from '../store/workspaces.ts'

/** @throws TroupeError NOT_FOUND always. */
export const missing = (noun: string, id: string, list: string): never =>
  fail('NOT_FOUND', `There is no ${noun} ${id}. ${list} shows those that there are.`)

export const findTask = (store: Store, id: string): Promise<UnitTask> =>
  store.read(async (tx) => (await getTask(tx, id)) ?? missing('task', id, 'listUnitTasks'))

export const findSession = (store: Store, id: string): Promise<AgentSession> =>
  store.read(async (tx) => (await getSession(tx, id)) ?? missing('session', id, 'getAgentTask'))

export const findQuestion = (store: Store, id: string): Promise<Question> =>
  store.read(async (tx) => (await getQuestion(tx, id)) ?? missing('question', id, 'listQuestions'))

export const findRepository = async (tx: Tx, id: string): Promise<Repository> =>
  (await getRepository(tx, id)) ?? missing('repository', id, 'listRepositories')

export const findGroup = async (tx: Tx, id: string): Promise<RepositoryGroup> =>
  (await getGroup(tx, id)) ?? missing('repository group', id, 'listRepositoryGroups')

/** The workspace with this id, or the default one. */
export async function findWorkspace(tx: Tx, id: string | undefined): Promise<Workspace> {
  if (id === undefined) return ensureDefaultWorkspace(tx)
  return (await getWorkspace(tx, id)) ?? missing('workspace', id, 'listWorkspaces')
}
