/** What a host takes while it does nothing, and what each session at work adds. */
import { spawn } from 'node:child_process'
import { sleep } from '../../core/base/waiting.ts'
import { openBenchHost, type BenchHost } from './runner/host.ts'
import { descendantsOf, memoryOf, untilIdle, type Memory } from './runner/process-figures.ts'
import { atMost, type Row } from './runner/row.ts'

const SESSIONS = 1_000
/** Sessions are added in groups while the machine has room for the next one. */
const GROUP = 50
const MOST_BYTES = 2 * 1024 ** 3
const MOST_MS = 120_000
const MIB = 1024 ** 2
const IDLE_MS = 3_000
/** A host that has turned quiet gives memory back. */
const QUIET_MS = 15_000

interface HostMemory extends Memory {
  /** How many programs are in the sums beside the host. */
  readonly helpers: number
}

export async function benchMemory(): Promise<Row[]> {
  const bare = await bareMemory()
  await using host = await openBenchHost()
  // The first host of a data directory: it has made the database.
  const idle = await idleMemory(host)
  const { sessions, bytes } = await addSessions(host, idle)
  const show = ({ pss, private: own }: Memory): string =>
    `${(pss / MIB).toFixed(0)} MiB proportional, ${(own / MIB).toFixed(0)} MiB private`
  return [
    {
      name: 'an idle host',
      unit: 'MiB',
      value: idle.rss / MIB,
      baseline: bare.rss / MIB,
      goals: [atMost('ratio', 2.5)],
      how: `resident memory of the host and ${idle.helpers} helper process(es) of its own (${show(idle)}), against \`node\` with a timer (${show(bare)}); the first host of a data directory, which has made its database`,
    },
    {
      name: 'each of 1,000 sessions at work',
      unit: 'KiB',
      value: bytes / sessions / 1024,
      goals: [atMost('value', 64)],
      how: `private memory of the host and its helpers added by ${sessions} sessions whose agents sleep, by session, ${QUIET_MS / 1000} s after they began${sessions < SESSIONS ? `; stopped at ${sessions}: the rest would have taken too much memory or time` : ''}`,
    },
  ]
}

async function idleMemory(host: BenchHost): Promise<HostMemory> {
  await untilIdle(host.address().pid)
  return hostMemory(host)
}

async function bareMemory(): Promise<Memory> {
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  await sleep(IDLE_MS)
  const memory = memoryOf(bare.pid ?? 0)
  bare.kill('SIGKILL')
  return memory
}

/** Of the host and of the programs that it keeps for itself: those of sessions say in their environment whose they are. */
function hostMemory(host: BenchHost): HostMemory {
  const { pid } = host.address()
  const helpers = descendantsOf(pid).filter((helper) => !helper.variables.includes('TROUPE_TASK_ID'))
  const all = [pid, ...helpers.map((helper) => helper.pid)].map(memoryOf)
  const sum = (field: keyof Memory): number => all.reduce((total, memory) => total + memory[field], 0)
  return { rss: sum('rss'), pss: sum('pss'), private: sum('private'), helpers: helpers.length }
}

async function addSessions(host: BenchHost, idle: HostMemory) {
  let [sessions, bytes] = [0, 0]
  const begin = performance.now()
  while (sessions < SESSIONS && bytes < MOST_BYTES && performance.now() - begin < MOST_MS) {
    await host.startAgents(GROUP, () => 'exec sleep 3600')
    sessions += GROUP
    bytes = hostMemory(host).private - idle.private
  }
  await untilIdle(host.address().pid)
  await sleep(QUIET_MS)
  return { sessions, bytes: hostMemory(host).private - idle.private }
}
