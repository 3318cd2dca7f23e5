/** A host that is killed with many agents at work: when it serves again, and what became of agents and lines. */
import { readdirSync, readFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../core/base/waiting.ts'
import type { Message, UnitTask } from '../../core/rpc/client/index.ts'
import { makeGates } from './runner/gates.ts'
import { openBenchHost, openCompiledTroupe, type BenchHost } from './runner/host.ts'
import { atMost, NONE, type Row } from './runner/row.ts'
import { median } from './runner/statistics.ts'
import { untilServing } from './runner/serving.ts'

const AGENTS = 100
const COLD_STARTS = 5
const BEFORE_MS = 2_000
const BOUND_MS = 120_000
const LINES = 150
const PAUSE = 0.1

export async function benchRecovery(): Promise<Row[]> {
  const cold = median(await coldStarts())
  await using host = await openBenchHost()
  const folder = join(host.troupe.lab.folder, 'witness')
  mkdirSync(folder)
  using gates = makeGates(host.troupe.lab.folder, 1)
  const tasks = await host.startAgents(AGENTS, () => `${gates.wait(0)}\n${counter(folder)}`)
  gates.open(0, 2 * AGENTS)
  await sleep(BEFORE_MS)
  await host.troupe.stop('SIGKILL')
  const serving = await untilServing(host.troupe)
  const { sessions, messages } = await untilDone(host, tasks)
  const { lost, doubled } = compareWithWitness(messages, folder)
  const ways = (outcome: string): number => sessions.filter((one) => one === outcome).length
  const fate = `of ${sessions.length} sessions ${ways('completed')} completed and ${ways('lost')} ended as lost and began anew`
  const how = `SIGKILL to the host with ${AGENTS} agents printing; ${fate}`
  return [
    {
      name: `serving again after kill -9 with ${AGENTS} live agents`,
      unit: 'ms',
      value: serving,
      baseline: cold,
      goals: [atMost('value', 1_000), atMost('ratio', 3)],
      how: `from the start of the next host to its first answer, against the median of ${COLD_STARTS} starts on an empty data directory`,
    },
    { name: 'lines lost over kill -9', unit: 'lines', value: lost, ...NONE, how },
    { name: 'lines doubled over kill -9', unit: 'lines', value: doubled, ...NONE, how },
    {
      name: 'agents neither adopted nor ended after kill -9',
      unit: 'agents',
      value: sessions.filter((outcome) => !['completed', 'lost'].includes(outcome)).length,
      ...NONE,
      how,
    },
  ]
}

async function coldStarts(): Promise<number[]> {
  const times: number[] = []
  for (let start = 0; start < COLD_STARTS; start += 1) {
    await using troupe = await openCompiledTroupe()
    times.push(await untilServing(troupe))
  }
  return times
}

/** Prints numbered lines under a name of its own, and notes each in a file once it is printed. */
const counter = (folder: string): string =>
  [
    'n=0',
    `while [ $n -lt ${LINES} ]; do n=$((n + 1))`,
    `echo "{\\"type\\":\\"text\\",\\"content\\":\\"$$ $n\\"}"`,
    `echo $n > '${folder}'/$$; sleep ${PAUSE}; done`,
  ].join('\n')

async function untilDone(host: BenchHost, tasks: readonly UnitTask[]) {
  const { client } = host.troupe
  const sessions: string[] = []
  const messages: Message[] = []
  for (const { id } of tasks) {
    const { agentTaskId } = await untilReviewed(host, id)
    const { agentTask } = await client.call('getAgentTask', { id: agentTaskId })
    sessions.push(...agentTask.sessions.map(({ outcome }) => outcome ?? 'none'))
    for (const session of agentTask.sessions) messages.push(...(await readAll(host, session.id)))
  }
  return { sessions, messages }
}

async function untilReviewed(host: BenchHost, id: string): Promise<UnitTask> {
  for (let waited = 0; waited < BOUND_MS; waited += 100) {
    const { task } = await host.troupe.client.call('getUnitTask', { id })
    if (!['queued', 'in_progress'].includes(task.status)) return task
    await sleep(100)
  }
  throw new Error(`The task ${id} did not end.`)
}

async function readAll(host: BenchHost, sessionId: string): Promise<Message[]> {
  const all: Message[] = []
  for (;;) {
    const after = all.at(-1)?.seq ?? 0
    const { messages } = await host.troupe.client.call('getExecutionLogs', { sessionId, after, limit: 1000 })
    if (messages.length === 0) return all
    all.push(...messages)
  }
}

/** Each process noted how far it came: every line up to there is in the logs once. */
function compareWithWitness(messages: readonly Message[], folder: string) {
  const logged = messages.flatMap((message) => (message.type === 'text' ? [message.content] : []))
  const once = new Set(logged)
  const noted = readdirSync(folder).flatMap((pid) => {
    const last = Number(readFileSync(join(folder, pid), 'utf8'))
    return Array.from({ length: last }, (_, index) => `${pid} ${index + 1}`)
  })
  return { lost: noted.filter((line) => !once.has(line)).length, doubled: logged.length - once.size }
}
