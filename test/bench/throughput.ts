/** Lines of many agents through the whole host: persisted and delivered, against bare inserts of the same messages. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeGates, type Gates } from './runner/gates.ts'
import { openBenchHost, sessionOf } from './runner/host.ts'
import { openRawLog } from './runner/raw-log.ts'
import { atLeast, NONE, type Row } from './runner/row.ts'
import { alternate, timed } from './runner/statistics.ts'
import { openSubscriber, type Subscriber } from './runner/subscriber.ts'

const AGENTS = 50
const LINES = 2_000
const MESSAGES = AGENTS * LINES
const BATCH = 500
const ROUNDS = 3
const PHASES = [
  { subscribers: 1, goal: 0.5 },
  { subscribers: 10, goal: 0.35 },
]
const GATES = PHASES.length * (ROUNDS + 1)
const BODY = JSON.stringify({ type: 'text', content: 'A line as agents print them, with some words in it. '.repeat(4) })

export async function benchThroughput(): Promise<Row[]> {
  await using raw = await openRawLog({ body: BODY, sessions: AGENTS })
  await using host = await openBenchHost()
  const { folder } = host.troupe.lab
  using gates = makeGates(folder, GATES)
  const lines = join(folder, 'lines')
  writeFileSync(lines, `${BODY}\n`.repeat(LINES))
  const tasks = await host.startAgents(AGENTS, () => promptOf(gates, lines))
  const sessions = tasks.map(sessionOf)
  using subscribers = openSubscribers()
  const rows: Row[] = []
  let gate = 0
  for (const { subscribers: count, goal } of PHASES) {
    await subscribers.open(count, host.address().socket, sessions)
    const own = () => appendAndDeliver(subscribers.all, () => gates.open(gate++, AGENTS))
    const bare = () => timed(() => raw.append(MESSAGES, BATCH))
    const times = await alternate({ rounds: ROUNDS }, own, bare)
    rows.push({
      name: `lines persisted and delivered to ${count} subscriber(s)`,
      unit: 'lines/s',
      value: perSecond(times.value),
      baseline: perSecond(times.baseline),
      ratio: 1 / times.ratio,
      goals: [atLeast('ratio', goal)],
      how: `${AGENTS} agents print ${LINES.toLocaleString('en')} lines each at once; until every subscriber has all of them, against a loop of bare inserts of the same messages in batches of ${BATCH}, each of one session in turn`,
    })
  }
  rows.push({
    name: 'lines lost or doubled meanwhile',
    unit: 'lines',
    value: subscribers.all.reduce((sum, one) => sum + one.lost + one.doubled, 0),
    ...NONE,
    how: 'numbers of all messages at all subscribers',
  })
  return rows
}

/** A message a line, as many times as there are gates. */
const promptOf = (gates: Gates, lines: string): string =>
  Array.from({ length: GATES }, (_, index) => `${gates.wait(index)}; cat '${lines}'`).join('\n')

const perSecond = (ms: number): number => (MESSAGES / ms) * 1000

function openSubscribers() {
  const all: Subscriber[] = []
  return {
    all,
    /** Adds subscribers of all sessions until there are `count`. */
    async open(count: number, socket: string, sessions: readonly string[]): Promise<void> {
      const before = all[0]?.received ?? 0
      while (all.length < count) {
        const subscriber = await openSubscriber(socket)
        all.push(subscriber)
        for (const session of sessions) await subscriber.follow(session)
        await subscriber.until(({ received }) => received >= before)
      }
    },
    [Symbol.dispose]: () => all.forEach((subscriber) => subscriber[Symbol.dispose]()),
  }
}

async function appendAndDeliver(subscribers: readonly Subscriber[], begin: () => void): Promise<number> {
  const goals = subscribers.map((subscriber) => ({ subscriber, wanted: subscriber.received + MESSAGES }))
  return timed(async () => {
    begin()
    await Promise.all(goals.map(({ subscriber, wanted }) => subscriber.until(({ received }) => received >= wanted)))
  })
}
