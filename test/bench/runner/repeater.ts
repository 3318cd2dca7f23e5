/** One task whose session is started again and again: its worktree is there already. */
import type { Client, UnitTask } from '../../../core/rpc/client/index.ts'
import type { TestRepository } from '../../helpers/repositories.ts'
import { followTask } from './following.ts'
import { timed } from './statistics.ts'

export interface Repeater extends AsyncDisposable {
  /** Milliseconds from the call that starts a session to its first text at the client. */
  readonly firstText: () => Promise<number>
}

export interface RepeatedTask {
  readonly repository: TestRepository
  readonly agent: string
  readonly prompt: string
}

export async function openRepeater(client: Client, { repository, agent, prompt }: RepeatedTask): Promise<Repeater> {
  const added = await client.call('addRepository', { path: repository.path })
  const params = { repositoryId: added.repository.id, agent, prompt, start: true }
  const { task } = await client.call('createUnitTask', params)
  const following = await followTask(client, task.id)
  const settle = async (): Promise<string | undefined> => {
    const now = await following.until('The end of a session', isOver)
    if (now.status !== 'in_review') throw new Error(`The session failed: ${JSON.stringify(now.error)}`)
    await client.call('rejectUnitTask', { id: task.id })
    return now.sessionId
  }
  let last = await settle()
  return {
    firstText: async () => {
      const ms = await timed(async () => {
        const begun = following.until('A session', ({ sessionId }) => sessionId !== undefined && sessionId !== last)
        await client.call('retryUnitTask', { id: task.id, fresh: true })
        const { sessionId = '' } = await begun
        using messages = following.read(sessionId)
        await messages.next(({ type }) => type === 'text')
      })
      last = await settle()
      return ms
    },
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  }
}

const isOver = ({ status }: UnitTask): boolean => ['in_review', 'failed', 'stopped'].includes(status)
