/** Unit tasks. */
import { toIso } from '../base/clock.ts'
import type { UnitTask } from '../contract/records.ts'
import type { TaskStatus } from '../contract/statuses.ts'
import { fromCursor, toCursor } from './cursor.ts'
import type { UnitTaskRow } from './entities/tasks.ts'
import type { Changes, NewRecord } from './record-types.ts'
import { insertRow, updateRow } from './row-writes.ts'
import { isRowId, listOf, listParameter, newStamps, now, present, rowLock, select, selectById } from './rows.ts'
import { unitTaskTable } from './tables.ts'
import type { SqlValue, Tx } from './tx.ts'

/** Beside what travels. */
interface Queueing {
  /** When it entered the queue, ISO 8601: its place in it. */
  readonly queuedAt?: string | null
}

export interface TaskFilter {
  readonly status?: readonly TaskStatus[]
  /** Tasks on any group that holds this repository. */
  readonly repositoryId?: string
  /** The attempts of this comparison. */
  readonly comparisonId?: string
  /** In titles and prompts, case-insensitively. */
  readonly search?: string
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  readonly limit: number
}

const toTask = ({ queuedAt: _queuedAt, ...row }: UnitTaskRow): UnitTask => present(row)

/** @throws TroupeError CONFLICT when the id is taken or a record that it names is missing. */
export async function insertTask(tx: Tx, task: NewRecord<UnitTask> & Queueing): Promise<UnitTask> {
  const row = { ...task, ...newStamps(tx) }
  await insertRow(tx, unitTaskTable, row)
  const { queuedAt: _queuedAt, ...record } = row
  return present(record)
}

export async function getTask(tx: Tx, id: string): Promise<UnitTask | undefined> {
  const row = await selectById(tx, unitTaskTable, id)
  return row && toTask(row)
}

/** Gives false when there is no such task. */
export async function updateTask(tx: Tx, id: string, changes: Changes<UnitTask> & Queueing): Promise<boolean> {
  if (!isRowId(id)) return false
  return updateRow(tx, unitTaskTable, { id, changes: { ...changes, updatedAt: now(tx) } })
}

/**
 * Newest first.
 * @throws TroupeError INVALID_PARAMS for a cursor that this list did not give.
 */
export async function listTasks(tx: Tx, filter: TaskFilter): Promise<{ tasks: UnitTask[]; nextCursor?: string }> {
  const { conditions, parameters } = conditionsOf(tx, filter)
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''
  const rows = await select(tx, unitTaskTable, {
    tail: `${where} order by t.created_at desc, t.id desc limit ?`,
    parameters: [...parameters, filter.limit + 1],
  })
  const tasks = rows.slice(0, filter.limit).map(toTask)
  const last = tasks.at(-1)
  return rows.length > filter.limit && last ? { tasks, nextCursor: toCursor(last) } : { tasks }
}

/** The attempts of a comparison in the order in which they were made; none of them changes until the transaction ends. */
export async function lockAttempts(tx: Tx, comparisonId: string): Promise<UnitTask[]> {
  if (!isRowId(comparisonId)) return []
  const tail = `where t.comparison_id = ? order by t.created_at, t.id ${rowLock(tx)}`
  return (await select(tx, unitTaskTable, { tail, parameters: [comparisonId] })).map(toTask)
}

/** Keeps others from changing the task until the transaction ends. */
export async function lockTask(tx: Tx, id: string): Promise<void> {
  if (tx.driver !== 'sqlite') await tx.get(`select t.id from unit_task t where t.id = ? ${rowLock(tx)}`, [id])
}

function conditionsOf(tx: Tx, filter: TaskFilter): { conditions: string[]; parameters: SqlValue[] } {
  const conditions: string[] = []
  const parameters: SqlValue[] = []
  const add = (condition: string, ...values: SqlValue[]): void => {
    conditions.push(condition)
    parameters.push(...values)
  }
  if (filter.status) add(`t.status in ${listOf(tx, 'text')}`, listParameter(tx, filter.status))
  if (filter.repositoryId !== undefined) {
    add(`t.repository_group_id in ${groupsOf(tx)}`, listParameter(tx, [filter.repositoryId].filter(isRowId)))
  }
  if (filter.comparisonId !== undefined) {
    add(`t.comparison_id in ${listOf(tx, 'uuid')}`, listParameter(tx, [filter.comparisonId].filter(isRowId)))
  }
  if (filter.search) {
    const text = filter.search.toLowerCase()
    add(`(${found(tx, 't.title')} or ${found(tx, 't.prompt')})`, text, text)
  }
  if (filter.cursor !== undefined) {
    const place = fromCursor(filter.cursor)
    add('(t.created_at, t.id) < (?, ?)', place.createdAt, place.id)
  }
  return { conditions, parameters }
}

const groupsOf = (tx: Tx): string =>
  `(select m.group_id from repository_group_member m where m.repository_id in ${listOf(tx, 'uuid')})`

/** Not `like`: the text may hold its wildcards, and SQLite's own lower case knows only ASCII. */
const found = (tx: Tx, column: string): string =>
  tx.driver === 'sqlite' ? `instr(unicode_lower(${column}), ?) > 0` : `strpos(lower(${column}), ?) > 0`

/** Removes a task with its sessions, log, questions, comments and actors. Gives false when there is none. */
export async function deleteTask(tx: Tx, id: string): Promise<boolean> {
  const task = await getTask(tx, id)
  if (!task) return false
  await tx.run('delete from actor where id = ? or id in (select s.id from agent_session s where s.unit_task_id = ?)', [
    id,
    id,
  ])
  await tx.run('delete from unit_task where id = ?', [id])
  await tx.run('delete from agent_task where id = ?', [task.agentTaskId])
  return true
}

/** Tasks that wait for a worker, the one that came first first. */
export async function queuedTasks(tx: Tx, limit: number): Promise<UnitTask[]> {
  const rows = await select(tx, unitTaskTable, {
    tail: `where t.status = 'queued' and t.waiting_for = 'worker' order by t.queued_at, t.id limit ?`,
    parameters: [limit],
  })
  return rows.map(toTask)
}

export async function countTasksOfRepository(tx: Tx, repositoryId: string): Promise<number> {
  const sql = `select count(*) as count from unit_task t where t.repository_group_id in ${groupsOf(tx)}`
  const row = await tx.get<{ count: number | string }>(sql, [listParameter(tx, [repositoryId].filter(isRowId))])
  return Number(row?.count ?? 0)
}

export async function countTasksOfGroup(tx: Tx, groupId: string): Promise<number> {
  if (!isRowId(groupId)) return 0
  const sql = 'select count(*) as count from unit_task t where t.repository_group_id = ?'
  const row = await tx.get<{ count: number | string }>(sql, [groupId])
  return Number(row?.count ?? 0)
}

/** Ids of the tasks that changed since a time, milliseconds since 1970. */
export async function tasksChangedSince(tx: Tx, since: number): Promise<string[]> {
  const rows = await tx.all<{ id: string }>('select id from unit_task where updated_at >= ?', [toIso(since)])
  return rows.map(({ id }) => id)
}
