/** The same trivial agent under a peer in the same run: the peer's figure stands where else the bare one does. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../core/base/waiting.ts'
import { AGENT_PACKAGES } from '../helpers/agent-versions.ts'
import { makeGates } from './runner/gates.ts'
import { openBenchHost, sessionOf, type BenchHost } from './runner/host.ts'
import { openRepeater } from './runner/repeater.ts'
import { NONE, type Row } from './runner/row.ts'
import { openPeer, peerProgram, type Peer, type PeerStream } from './runner/sandbox-agent.ts'
import { untilServing } from './runner/serving.ts'
import { alternate, timed } from './runner/statistics.ts'
import { openSubscriber } from './runner/subscriber.ts'

const PAIRS = 15
const LINES = 20_000
/** The stream is over when nothing came for so long. */
const SILENCE_MS = 2_000
const CHUNK = 'agent_message_chunk'
const TEXT = 'A line as agents print them, with some words in it. '.repeat(4)
const NAME = `sandbox-agent ${AGENT_PACKAGES['sandbox-agent'].version}`

interface Burst {
  readonly received: number
  readonly perSecond: number
}

export async function benchPeer(): Promise<Row[]> {
  let program: string
  try {
    program = await peerProgram()
  } catch (error) {
    return [{ name: `beside ${NAME}`, reason: error instanceof Error ? error.message : String(error) }]
  }
  await using host = await openBenchHost()
  const { folder } = host.troupe.lab
  const files = makeFiles(folder)
  await using peer = await openPeer({ program, folder, lines: files.theirs })
  return [...(await compareFirstEvents(host, peer)), ...(await compareBursts(host, peer, files))]
}

interface Files {
  readonly ours: string
  readonly theirs: string
  /** Makes both files so long. */
  fill(lines: number): void
}

/** The same texts, in the words of each side. */
function makeFiles(folder: string): Files {
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')]
  const update = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: TEXT } }
  const theirLine = JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: 'one', update } })
  const ourLine = JSON.stringify({ type: 'text', content: TEXT })
  const fill = (lines: number): void => {
    writeFileSync(ours, `${ourLine}\n`.repeat(lines))
    writeFileSync(theirs, `${theirLine}\n`.repeat(lines))
  }
  fill(1)
  return { ours, theirs, fill }
}

async function compareFirstEvents(host: BenchHost, peer: Peer): Promise<Row[]> {
  const { repository, troupe } = host
  await using own = await openRepeater(troupe.client, { repository, agent: 'command', prompt: 'echo Hello.' })
  let count = 0
  const theirs = () => theirFirst(peer, `first-${(count += 1)}`)
  const times = await alternate({ rounds: PAIRS, warmups: 3 }, own.firstText, theirs)
  const how = `${PAIRS} alternating pairs with an agent of a shell; the baseline is ${NAME}, which stores nothing`
  return [{ name: `first event, beside ${NAME}`, unit: 'ms', ...times, how }]
}

function theirFirst(peer: Peer, id: string): Promise<number> {
  return timed(async () => {
    using session = await peer.open(id)
    const first = Promise.withResolvers<void>()
    session.onData = (text) => void (text.includes(CHUNK) && first.resolve())
    session.prompt().catch(first.reject)
    await first.promise
  })
}

async function compareBursts(host: BenchHost, peer: Peer, files: Files): Promise<Row[]> {
  files.fill(LINES)
  const own = await ownBurst(host, files.ours)
  const theirs = await theirBurst(peer)
  const theirsLate = await lateEvents(peer)
  const ownLate = await countTexts(host, own.sessionId)
  await peer.killAndRestart()
  const theirsKept = (await peer.statusOf('burst')) === 200 ? theirs.received : 0
  await host.troupe.stop('SIGKILL')
  await untilServing(host.troupe)
  const ownKept = await countTexts(host, own.sessionId)
  const burst = `a shell that prints ${LINES.toLocaleString('en')} lines at once, one subscriber; the baseline is ${NAME}`
  const late = `subscribed after the burst; the baseline is ${NAME}`
  const killed = `SIGKILL after the burst, then a new start: what can no longer be read; the baseline is ${NAME}`
  const counted = (name: string, value: number, baseline: number, how: string): Row => ({
    name: `${name}, beside ${NAME}`,
    unit: 'events',
    value: LINES - value,
    baseline: LINES - baseline,
    ...NONE,
    how,
  })
  return [
    {
      name: `events a second, beside ${NAME}`,
      unit: 'events/s',
      value: own.perSecond,
      baseline: theirs.perSecond,
      how: burst,
    },
    counted('events lost', own.received, theirs.received, burst),
    counted('events missing for a subscriber that comes late', ownLate, theirsLate, late),
    counted('events missing after kill -9', ownKept, theirsKept, killed),
  ]
}

async function ownBurst(host: BenchHost, file: string): Promise<Burst & { readonly sessionId: string }> {
  using gates = makeGates(host.troupe.lab.folder, 1)
  const [task] = await host.startAgents(1, () => `${gates.wait(0)}; cat '${file}'`)
  if (!task) throw new Error('The task is missing.')
  const sessionId = sessionOf(task)
  using subscriber = await openSubscriber(host.address().socket)
  const texts = countIn('"type":"text"')
  let received = 0
  subscriber.onFrame = (frame) => (received += texts(frame.toString('latin1')))
  await subscriber.follow(sessionId)
  const ms = await timed(async () => {
    gates.open(0, 1)
    await subscriber.until(({ ended }) => received >= LINES || ended.length > 0)
  })
  return { sessionId, received, perSecond: (received / ms) * 1000 }
}

async function countTexts(host: BenchHost, sessionId: string): Promise<number> {
  using subscriber = await openSubscriber(host.address().socket)
  const texts = countIn('"type":"text"')
  let count = 0
  subscriber.onFrame = (frame) => (count += texts(frame.toString('latin1')))
  await subscriber.follow(sessionId)
  await subscriber.until(({ ended }) => ended.length > 0)
  return count
}

async function theirBurst(peer: Peer): Promise<Burst> {
  using session = await peer.open('burst')
  const counter = countEvents(session)
  const begin = performance.now()
  await session.prompt()
  const { received, last } = await counter.untilSilent()
  return { received, perSecond: (received / (last - begin)) * 1000 }
}

/** A stream tells nobody when it has left something out: it is over when nothing comes any more. */
function countEvents(session: PeerStream) {
  const chunks = countIn(CHUNK)
  let [received, last] = [0, performance.now()]
  session.onData = (text) => {
    received += chunks(text)
    last = performance.now()
  }
  return {
    async untilSilent() {
      while (performance.now() - last < SILENCE_MS) await sleep(100)
      return { received, last }
    },
  }
}

async function lateEvents(peer: Peer): Promise<number> {
  using session = await peer.listen('burst')
  return (await countEvents(session).untilSilent()).received
}

/** Counts a word in a text that comes in pieces. */
function countIn(word: string): (piece: string) => number {
  let rest = ''
  return (piece) => {
    const parts = (rest + piece).split(word)
    rest = (parts.at(-1) ?? '').slice(1 - word.length)
    return parts.length - 1
  }
}
