/** One durable step of an actor, against one bare commit to the same kind of database. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openWorkbench } from '../engine/workbench.ts'
import { atMost, type Row } from './runner/row.ts'
import { median } from './runner/statistics.ts'

const ROUNDS = 40
const STEPS = 50
const WARMUPS = 5

export async function benchTransition(): Promise<Row[]> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const options = { driver: 'sqlite' as const, file: join(folder, 'troupe.db') }
  const database = { options, async [Symbol.asyncDispose]() {} }
  const bench = opened.use(await openWorkbench({ driver: 'sqlite', create: async () => database }))
  const engine = bench.engine()
  const taskId = await bench.addTask(engine)
  const bare = openBare(join(folder, 'bare.db'))
  opened.defer(() => bare.close())
  const step = (index: number) => engine.command(taskId, { type: 'editPrompt', prompt: `do it, ${index}` })
  const [own, raw]: [number[], number[]] = [[], []]
  for (let round = -WARMUPS; round < ROUNDS; round += 1) {
    await measure(step, round < 0 ? [] : own)
    await measure(bare.commit, round < 0 ? [] : raw)
  }
  return [
    {
      name: 'a durable transition, p50',
      unit: 'us',
      value: median(own),
      baseline: median(raw),
      goals: [atMost('ratio', 3)],
      how: `${ROUNDS} x ${STEPS} events of a person to one task, interleaved with bare commits of one row, both WAL with synchronous=FULL`,
    },
  ]
}

async function measure(step: (index: number) => unknown, into: number[]): Promise<void> {
  for (let index = 0; index < STEPS; index += 1) {
    const begin = performance.now()
    await step(index)
    into.push((performance.now() - begin) * 1000)
  }
}

function openBare(file: string) {
  const database = new DatabaseSync(file)
  database.exec('pragma journal_mode = wal; pragma synchronous = full')
  database.exec('create table state (id integer primary key, snapshot text)')
  const statement = database.prepare('insert into state (snapshot) values (?)')
  const snapshot = JSON.stringify({ value: 'draft', context: { prompt: 'do it'.repeat(40) } })
  return { commit: () => statement.run(snapshot), close: () => database.close() }
}
