/** Somebody who reads the logs of sessions while hosts come and go: steadily, slowly, or coming back again and again. */
import { TroupeError } from '../../core/base/errors.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { Message } from '../../core/contract/messages.ts'
import { type Client, followLog, makeClient } from '../../core/rpc/client/index.ts'
import { connectUnixWebSocket } from '../../core/rpc/client-node/unix.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export type Habit = 'steady' | 'slow' | 'restless'

export interface Reading {
  readonly sessionId: string
  /** As they came. */
  readonly messages: readonly Message[]
  /** The log was said to be over. */
  readonly whole: boolean
}

export interface Reader {
  readonly habit: Habit
  readonly random: Random
  /** Ends the reading. */
  readonly signal: AbortSignal
}

/** Reads one session after another until the signal aborts; gives what was read. */
export async function readAlong(world: World, reader: Reader): Promise<Reading[]> {
  const readings = new Map<string, Reading>()
  while (!reader.signal.aborted) {
    try {
      await readWhileConnected(world, readings, reader)
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error
      await sleep(100) // No host, or none any more.
    }
  }
  return [...readings.values()]
}

async function readWhileConnected(world: World, readings: Map<string, Reading>, reader: Reader): Promise<void> {
  await using connection = await connectUnixWebSocket(world.host.socket, { retryForMs: 10_000 })
  const client = makeClient(connection)
  while (!reader.signal.aborted) await readNewest(client, readings, reader)
}

async function readNewest(
  client: Client,
  readings: Map<string, Reading>,
  { habit, random, signal }: Reader,
): Promise<void> {
  const { tasks } = await client.call('listUnitTasks', { limit: 10 }, { signal })
  const open = tasks.flatMap(({ sessionId }) => (sessionId && !readings.get(sessionId)?.whole ? [sessionId] : []))
  if (open.length === 0) return sleep(50, signal)
  const sessionId = random.pick(open)
  const messages = [...(readings.get(sessionId)?.messages ?? [])]
  const patience = AbortSignal.timeout(habit === 'restless' ? random.between(20, 400) : 5000)
  const following = AbortSignal.any([signal, patience])
  const take = async (more: readonly Message[]) => {
    messages.push(...more)
    if (habit === 'slow') await sleep(random.between(50, 400))
  }
  const whole = await followLog(client, { sessionId, after: messages.at(-1)?.seq ?? 0 }, take, following).then(
    () => true,
    (error: unknown) => {
      if (following.aborted || isGone(error)) return false
      throw error
    },
  )
  readings.set(sessionId, { sessionId, messages, whole })
}

/** The host is, or the task was deleted meanwhile. */
const isGone = (error: unknown): boolean =>
  error instanceof TroupeError && ['HOST_UNREACHABLE', 'NOT_FOUND', 'ABORTED'].includes(error.code)
