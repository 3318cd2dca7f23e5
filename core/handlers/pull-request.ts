/**
 * Pull requests. The branch is pushed and the request opened before the task hears of it, and both give the same when
 * they are asked again: a crash in between is mended by asking again.
 */
import { fail, TroupeError } from '../base/errors.ts'
import type { ParsedParams } from '../contract/catalogue.ts'
import type { Repository, UnitTask } from '../contract/records.ts'
import type { TaskPlace } from '../engine/ports.ts'
import { loadPlace } from '../engine/places.ts'
import { assertTarget, openPullRequest, type Target } from '../forge/open-pull-request.ts'
import type { Handlers } from '../rpc/handlers.ts'
import type { HandlerDeps } from './deps.ts'
import { findGroup, findRepository, findTask } from './find.ts'

type Params = ParsedParams<'createPullRequest'>

function assertApproved({ status }: UnitTask): void {
  if (status === 'approved') return
  const next = status === 'in_review' ? 'Approve it first.' : 'That is possible when it is approved.'
  const allowed = status === 'in_review' ? ['approve'] : []
  fail('CONFLICT', `The task is ${status}, so no pull request can be opened. ${next}`, { status, allowed })
}

const findRepositoryOf = (deps: HandlerDeps, task: UnitTask): Promise<Repository> =>
  deps.store.read(async (tx) => {
    const group = await findGroup(tx, task.repositoryGroupId)
    return findRepository(tx, group.repositoryIds[0] ?? '')
  })

/**
 * The remote as it was when the repository was added: what is there now an agent may have put there. A repository that
 * had none then may have got one.
 * @throws TroupeError UNSUPPORTED, UNAUTHENTICATED, CONFIG_INVALID
 */
async function findTarget(deps: HandlerDeps, place: TaskPlace, repository: Repository): Promise<Target> {
  const { remoteUrl, vcsProvider } =
    repository.remoteUrl === undefined
      ? await deps.workspace.inspect(place.repositoryPath, place.baseBranch)
      : repository
  if (remoteUrl === undefined) {
    return fail(
      'UNSUPPORTED',
      `Repository ${repository.name} has no remote to push to. Add one: git remote add origin <address>`,
    )
  }
  const access = deps.settings.forge(vcsProvider, remoteUrl)
  const target = { provider: vcsProvider, remoteUrl, ...access }
  assertTarget(target)
  return target
}

/** The first paragraph of the prompt says what the work is for. */
function defaultBody({ id, prompt, agent }: UnitTask): string {
  const paragraph = prompt.trim().split(/\r?\n\s*\r?\n/, 1)[0] ?? ''
  return `${paragraph.slice(0, 10_000)}\n\n---\nTroupe task ${id}, done by ${agent}.\n`
}

const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim()

/** Several calls at once find the same pull request; the first one told the task. */
async function tell(deps: HandlerDeps, id: string, url: string): Promise<UnitTask> {
  try {
    await deps.engine.command(id, { type: 'pullRequestOpened', url })
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== 'CONFLICT') throw error
    const task = await findTask(deps.store, id)
    if (task.status === 'pr_open' && task.linkedPrUrl === url) return task
    throw new TroupeError(
      'CONFLICT',
      `The pull request ${url} is open, but the task went on meanwhile. ${error.message}`,
      {
        ...error.details,
        url,
      },
    )
  }
  return findTask(deps.store, id)
}

async function open(deps: HandlerDeps, task: UnitTask, params: Params & { signal: AbortSignal }): Promise<string> {
  const { signal, title = task.title, body = defaultBody(task) } = params
  const place = await loadPlace(deps.store, task.id)
  const target = await findTarget(deps, place, await findRepositoryOf(deps, task))
  await deps.workspace.push(place, { remoteUrl: target.remoteUrl, signal })
  const proposal = { head: place.branchName, base: place.baseBranch, title: oneLine(title), body }
  return (await openPullRequest({ ...target, ...proposal, signal })).url
}

export function pullRequestHandlers(deps: HandlerDeps) {
  return {
    async createPullRequest(params, { signal }) {
      const task = await findTask(deps.store, params.id)
      if (task.status === 'pr_open' && task.linkedPrUrl !== undefined) return { task, url: task.linkedPrUrl }
      assertApproved(task)
      const url = await open(deps, task, { ...params, signal })
      return { task: await tell(deps, task.id, url), url }
    },
  } satisfies Partial<Handlers>
}
