/** Tasks as people name them: by a whole id, or by its beginning or its end. */
import { fail } from '../../core/base/errors.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { shortId } from './render/format.ts'
import { plainLine } from './render/sanitize.ts'

const WHOLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PART = /^[0-9a-f-]{3,36}$/
const PAGE = 500
/** Looking through more would take long; a whole id always works. */
const MOST_PAGES = 40

/** @throws TroupeError NOT_FOUND; USAGE when several tasks match or the text cannot be an id */
export async function findTask(client: Client, reference: string, signal: AbortSignal): Promise<UnitTask> {
  const wanted = reference.toLowerCase()
  if (WHOLE.test(wanted)) return (await client.call('getUnitTask', { id: wanted }, { signal })).task
  if (!PART.test(wanted)) {
    fail(
      'USAGE',
      `"${plainLine(reference)}" is not the id of a task: give at least 3 of its characters, as \`troupe task ls\` shows them.`,
    )
  }
  const found: UnitTask[] = []
  for await (const task of allTasks(client, signal)) if (matches(task.id, wanted)) found.push(task)
  const [task, ...others] = found
  if (!task) fail('NOT_FOUND', `There is no task "${wanted}". See them with: troupe task ls`)
  if (others.length > 0) fail('USAGE', ambiguous(wanted, found), { ids: found.map(({ id }) => id) })
  return task
}

/** Exported for its tests. Lists show the last 8 characters, so an end, and the beginning of those, count as much as a beginning. */
export function matches(id: string, part: string): boolean {
  const [bare, wanted] = [id.replaceAll('-', ''), part.replaceAll('-', '')]
  return wanted !== '' && (bare.startsWith(wanted) || bare.endsWith(wanted) || shortId(id).startsWith(wanted))
}

async function* allTasks(client: Client, signal: AbortSignal): AsyncGenerator<UnitTask> {
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const { tasks, nextCursor } = await client.call(
      'listUnitTasks',
      { limit: PAGE, ...(cursor && { cursor }) },
      { signal },
    )
    yield* tasks
    if (nextCursor === undefined) return
    cursor = nextCursor
  }
}

function ambiguous(wanted: string, tasks: readonly UnitTask[]): string {
  const some = tasks.slice(0, 5).map((task) => `${shortId(task.id)} (${plainLine(task.title).slice(0, 40)})`)
  const more = tasks.length > some.length ? `, and ${tasks.length - some.length} more` : ''
  return `"${wanted}" fits ${tasks.length} tasks: ${some.join(', ')}${more}. Give more of the id.`
}
