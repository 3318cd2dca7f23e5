/** From an agent's write to a client, at a steady rate, against the same agent at the other end of a pipe. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openBenchHost, sessionOf } from './runner/host.ts'
import { makeGates } from './runner/gates.ts'
import { atMost, type Row } from './runner/row.ts'
import { median, percentile } from './runner/statistics.ts'
import { openSubscriber } from './runner/subscriber.ts'

const PER_SECOND = 2_000
const SECONDS = 8
const LINES = PER_SECOND * SECONDS
/** As `openSessionLog` has it. */
const FLUSH_MS = 5
const AGENT = fileURLToPath(new URL('./agents/clocked-lines.ts', import.meta.url))
const CLOCK = /"content":"(\d+)/g

export async function benchLatency(): Promise<Row[]> {
  const own = await ownDelays()
  const bare = await bareDelays()
  const how = `an agent prints ${PER_SECOND.toLocaleString('en')} lines a second for ${SECONDS} s, each with the time of its write; at the client, against the same agent on a pipe`
  return [
    { name: "agent's write to client, p50", unit: 'ms', value: median(own), baseline: median(bare), how },
    {
      name: "agent's write to client, p99",
      unit: 'ms',
      value: percentile(own, 0.99),
      baseline: percentile(bare, 0.99),
      goals: [atMost('value', 3 * FLUSH_MS + 5)],
      how: `the same; the log flushes every ${FLUSH_MS} ms`,
    },
  ]
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

/** What the first second has is left out: the agent and the host warm up. */
const settled = (delays: readonly number[]): number[] => delays.slice(PER_SECOND)

async function ownDelays(): Promise<number[]> {
  await using host = await openBenchHost()
  using gates = makeGates(host.troupe.lab.folder, 1)
  const prompt = `${gates.wait(0)}; exec '${process.execPath}' '${AGENT}' ${PER_SECOND} ${LINES}`
  const [task] = await host.startAgents(1, () => prompt)
  if (!task) throw new Error('The task is missing.')
  using subscriber = await openSubscriber(host.address().socket)
  const delays: number[] = []
  subscriber.onFrame = (frame) => delays.push(...delaysIn(frame.toString('latin1')))
  await subscriber.follow(sessionOf(task))
  gates.open(0, 1)
  await subscriber.until(() => delays.length >= LINES)
  return settled(delays)
}

async function bareDelays(): Promise<number[]> {
  const agent = spawn(process.execPath, [AGENT, String(PER_SECOND), String(LINES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const delays: number[] = []
  let rest = ''
  agent.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n')
    delays.push(...delaysIn(rest + chunk.slice(0, end + 1)))
    rest = end === -1 ? rest + chunk : chunk.slice(end + 1)
  })
  await once(agent, 'close')
  return settled(delays)
}

function delaysIn(text: string): number[] {
  const now = nowUs()
  return Array.from(text.matchAll(CLOCK), ([, written]) => (now - Number(written)) / 1000)
}
