/** What engine processes note in the database beside the engine's own tables, and what is counted there at the end. */
import type { Store } from '../../core/store/store.ts'
import type { Tx } from '../../core/store/tx.ts'

/** How a process is told what to do, as JSON in its environment. */
export interface EngineProcessOptions {
  readonly url: string
  readonly leaseMs: number
  readonly rounds: number
  readonly workerId: string
}

export const OPTIONS_VARIABLE = 'TROUPE_TEST_ENGINE'

/** A row for each effect that was begun, and how often it was. */
export const openLedger = (store: Store): Promise<unknown> =>
  store.transaction((tx) => tx.run('create table ledger (effect_id uuid primary key, type text, runs int not null)'))

export const noteRun = (store: Store, id: string, type: string): Promise<unknown> =>
  store.transaction((tx) =>
    tx.run(
      `insert into ledger (effect_id, type, runs) values (?, ?, 1)
       on conflict (effect_id) do update set runs = ledger.runs + 1`,
      [id, type],
    ),
  )

export interface TaskRounds {
  readonly id: string
  readonly status: string
  /** How many sessions it has had. */
  readonly rounds: number
}

export const roundsOf = (store: Store): Promise<TaskRounds[]> =>
  store.read((tx) =>
    tx.all<TaskRounds>(
      `select t.id, t.status, (select count(*)::int from agent_session s where s.unit_task_id = t.id) as rounds
       from unit_task t order by t.id`,
    ),
  )

export interface EngineSummary {
  readonly kills: number
  /** Sessions by their status. */
  readonly sessions: Readonly<Record<string, number>>
  /** Different effects that were begun, by type; each is one side effect. */
  readonly effects: Readonly<Record<string, number>>
  /** How often an effect was begun once more than needed. */
  readonly repeats: number
  /** Effects left at the end. */
  readonly pending: number
  /** Tasks whose journal is not what they went through, step by step. */
  readonly badJournals: readonly string[]
  /** Tasks by their status. */
  readonly tasks: Readonly<Record<string, number>>
}

const countBy = async (tx: Tx, sql: string): Promise<Record<string, number>> =>
  Object.fromEntries((await tx.all<{ key: string; count: number }>(sql)).map(({ key, count }) => [key, count]))

const ROUND = ['assign', 'session.waiting', 'session.working', 'session.ended']

/** The events that a task takes in its life here, in their order. */
const lifeOf = (rounds: number): string[] =>
  Array.from({ length: rounds }, (_, round) => [round === 0 ? 'start' : 'changes', ...ROUND]).flat()

interface Journal {
  readonly id: string
  readonly version: number
  readonly types: readonly string[]
}

export const summarize = (store: Store, rounds: number, kills: number): Promise<EngineSummary> =>
  store.read(async (tx) => {
    const journals = await tx.all<Journal>(
      `select a.id, a.version, (select array_agg(j.event->>'type' order by j.id) from journal_entry j where j.actor_id = a.id) as types
       from actor a where a.machine = 'unitTask'`,
    )
    const life = lifeOf(rounds)
    const isGood = ({ version, types }: Journal) => version === life.length + 1 && String(types) === String(life)
    const repeats = await tx.get<{ count: number }>('select coalesce(sum(runs - 1), 0)::int as count from ledger')
    const pending = await tx.get<{ count: number }>('select count(*)::int as count from effect')
    return {
      kills,
      sessions: await countBy(tx, 'select status as key, count(*)::int as count from agent_session group by 1'),
      effects: await countBy(tx, 'select type as key, count(*)::int as count from ledger group by 1'),
      repeats: repeats?.count ?? 0,
      pending: pending?.count ?? 0,
      badJournals: journals.filter((journal) => !isGood(journal)).map(({ id, types }) => `${id}: ${String(types)}`),
      tasks: await countBy(tx, 'select status as key, count(*)::int as count from unit_task group by 1'),
    }
  })
