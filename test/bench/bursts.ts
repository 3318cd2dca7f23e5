/** One agent that prints as fast as it can, ten subscribers of which one stops to read: what is lost, and what it takes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeGates } from './runner/gates.ts'
import { openBenchHost, sessionOf, type BenchHost } from './runner/host.ts'
import { memoryOf, peakRssOf, resetPeakRss, untilIdle } from './runner/process-figures.ts'
import { atMost, NONE, type Row } from './runner/row.ts'
import { openSubscriber, type Subscriber } from './runner/subscriber.ts'

const BURSTS = [20_000, 100_000]
const SUBSCRIBERS = 10
const MIB = 1024 ** 2
const LINE = JSON.stringify({ type: 'text', content: 'A line as agents print them, with some words in it. '.repeat(4) })

interface Outcome {
  readonly lost: number
  readonly doubled: number
  /** Missing when the log is read again from its beginning. */
  readonly missing: number
  /** By how much the peak of the host was above what it took before, in bytes. */
  readonly growth: number
}

export async function benchBursts(): Promise<Row[]> {
  const outcomes: Outcome[] = []
  for (const lines of BURSTS) {
    await using host = await openBenchHost()
    outcomes.push(await burst(host, lines))
  }
  const [small, large] = outcomes
  if (!small || !large) throw new Error('A burst is missing.')
  const sum = (field: keyof Outcome): number => outcomes.reduce((total, one) => total + one[field], 0)
  const how = `bursts of ${BURSTS.map((lines) => lines.toLocaleString('en')).join(' and ')} lines, ${SUBSCRIBERS} subscribers, one of which stops to read`
  return [
    { name: 'lost in bursts', unit: 'messages', value: sum('lost'), ...NONE, how },
    { name: 'doubled in bursts', unit: 'messages', value: sum('doubled'), ...NONE, how },
    { name: 'missing in a replay from 0', unit: 'messages', value: sum('missing'), ...NONE, how },
    {
      name: 'growth of the host at the peak of a burst',
      unit: 'MiB',
      value: large.growth / MIB,
      baseline: small.growth / MIB,
      goals: [atMost('ratio', 1.5)],
      how: 'peak resident memory above that before, 100,000 lines against 20,000: bounded means that five times the lines do not take more',
    },
  ]
}

async function burst(host: BenchHost, lines: number): Promise<Outcome> {
  const file = join(host.troupe.lab.folder, 'lines')
  writeFileSync(file, `${LINE}\n`.repeat(lines))
  using gates = makeGates(host.troupe.lab.folder, 2)
  // It lives on after the burst, so that its end is not measured too.
  const [task] = await host.startAgents(1, () => `${gates.wait(0)}; cat '${file}'; ${gates.wait(1)}`)
  if (!task) throw new Error('The task is missing.')
  const { pid, socket } = host.address()
  const subscribers = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => openSubscriber(socket)))
  for (const subscriber of subscribers) await subscriber.follow(sessionOf(task))
  const [stopped, ...readers] = subscribers
  stopped?.stopReading()
  await untilIdle(pid)
  resetPeakRss(pid)
  const before = memoryOf(pid).rss
  gates.open(0, 1)
  await Promise.all(readers.map((reader) => reader.until(({ received }) => received >= lines)))
  const growth = peakRssOf(pid) - before
  using replay = await openSubscriber(socket)
  const total = Math.max(...readers.map(({ received }) => received))
  await replay.follow(sessionOf(task))
  await replay.until(({ received }) => received >= total)
  gates.open(1, 1)
  for (const subscriber of subscribers) subscriber[Symbol.dispose]()
  const sum = (field: 'lost' | 'doubled'): number => readers.reduce((all, one) => all + one[field], 0)
  return { lost: sum('lost') + missingOf(readers, total), doubled: sum('doubled'), missing: replay.lost, growth }
}

const missingOf = (readers: readonly Subscriber[], total: number): number =>
  readers.reduce((sum, { received }) => sum + total - received, 0)
