import { expect, test } from 'vitest'
import { describePostgres } from '../helpers/databases.ts'
import { runSeveralEngines } from './several-engines.ts'

/** `TROUPE_TEST_ENGINES_SEED=8 TROUPE_TEST_ENGINES_ROUNDS=100` for another, longer one. */
const numberOf = (name: string, otherwise: number): number =>
  Number(process.env[`TROUPE_TEST_ENGINES_${name}`] ?? otherwise)
const seed = numberOf('SEED', 7)
const rounds = numberOf('ROUNDS', 4)
const tasks = numberOf('TASKS', 10)
const boundMs = 120_000 + rounds * 5000

await describePostgres('engines in several processes that are killed at random', (databases) => {
  test(`lose, double and block nothing (seed ${seed})`, { timeout: boundMs + 60_000 }, async () => {
    await using database = await databases.create()
    const { url } = database.options
    const summary = await runSeveralEngines({ url, seed, engines: 3, tasks, rounds, boundMs, longestLife: 30 })
    const sessions = tasks * rounds
    expect(summary).toMatchObject({
      tasks: { in_review: tasks },
      sessions: { completed: sessions },
      effects: { requestWorker: sessions, startSession: sessions, deliverAnswer: sessions },
      pending: 0,
      badJournals: [],
    })
    expect(summary.kills).toBeGreaterThan(0)
  })
})
