/**
 * A campaign: several tasks lead random lives on one real host, which is killed, stopped and hindered all the while, with
 * readers that misbehave; then all lives are led to their end and everything is checked. All decisions are drawn from the
 * seed, each part from a stream of its own; the moments at which they take effect differ from run to run.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../core/base/waiting.ts'
import { makeChaos } from './chaos.ts'
import { ClaudeLife, useClaude } from './claude-life.ts'
import { isPassing, type Life, type TaskLife } from './lives.ts'
import { checkStore, checkTask, countEffects, readLog } from './oracle.ts'
import { makeRandom } from './random.ts'
import { RandomLife } from './random-life.ts'
import { type Habit, readAlong, type Reading } from './reader.ts'
import { openWorld, type World } from './world.ts'

const CLOCK = fileURLToPath(new URL('../faults/shifted-clock.ts', import.meta.url))
const HABITS: readonly Habit[] = ['steady', 'slow', 'restless']
/** For all lives to end once the host is left in peace. */
const PEACE_BOUND_MS = 90_000
/** Descriptors that an idle host may hold beyond those of a fresh one: what its first session opens once and for all. */
const SPARE_DESCRIPTORS = 24

export interface CampaignOptions {
  readonly seed: number
  /** How long things befall the host. */
  readonly durationMs: number
  /** Lives led at once. */
  readonly players: number
  /** One more life after another is led with the real Claude Code; the address of its scripted model. */
  readonly claudeUrl?: string | undefined
  readonly tell?: (text: string) => void
}

export interface CampaignSummary {
  readonly seed: number
  readonly seconds: number
  readonly kills: number
  readonly killsAtPoints: number
  readonly killsAtStart: number
  readonly stops: number
  readonly starts: number
  readonly otherFaults: number
  readonly tasks: number
  readonly sessions: Readonly<Record<string, number>>
  readonly messages: number
  readonly delivered: number
  readonly accepted: number
  /** What did not hold; empty when all is well. */
  readonly violations: readonly string[]
  /** A copy of all that the campaign made, kept when something did not hold. */
  readonly evidence: string | undefined
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignSummary> {
  await using world = await openWorld()
  try {
    return await runIn(world, options)
  } catch (error) {
    throw new Error(`the campaign broke off, with evidence in ${await keepEvidence(world)}`, { cause: error })
  }
}

async function runIn(world: World, options: CampaignOptions): Promise<CampaignSummary> {
  const { seed, durationMs, players, tell = () => {} } = options
  const random = makeRandom(seed)
  const startedAt = performance.now()
  const clock = join(world.lab.folder, 'clock')
  writeFileSync(clock, '0')
  Object.assign(world.env, { NODE_OPTIONS: `--import=${CLOCK}`, TEST_CLOCK: clock })
  world.configure('[concurrency]\nmax_sessions = 6')
  if (options.claudeUrl !== undefined) await useClaude(world, options.claudeUrl)
  await world.host.start()
  const chaos = makeChaos({ world, random: random.fork('chaos'), clock, tell })

  const ending = new AbortController()
  const over = new AbortController()
  const lives: TaskLife[] = []
  const names = Array.from({ length: players }, (_, index) => `t${index}`)
  const begins = names.map((name) => (number: number) => {
    return new RandomLife(world, `${name}n${number}`, random.fork(`${name}n${number}`))
  })
  const beginClaude = (number: number) => new ClaudeLife(world, `c${number}`)
  const all = options.claudeUrl === undefined ? begins : [...begins, beginClaude]
  const play = Promise.all(all.map((begin) => leadMany(world, begin, { lives, ending: ending.signal })))
  play.catch((error: unknown) => ending.abort(error))
  const reading = Promise.all(
    HABITS.map((habit) => readAlong(world, { habit, random: random.fork(habit), signal: over.signal })),
  )
  reading.catch(() => {})
  while (performance.now() - startedAt < durationMs && !ending.signal.aborted) await chaos.strike()
  await chaos.calm()
  tell('peace')
  ending.abort()
  await play
  const violations = await settle(world)
  over.abort()
  const readings = (await reading).flat()
  const descriptors = countDescriptors(world)
  await world.host.end('SIGTERM')
  await world.host.start()
  const more = descriptors - countDescriptors(world)
  if (more > SPARE_DESCRIPTORS) violations.push(`the host holds ${more} descriptors more than one that has just begun`)
  const findings = await check(world, { lives, readings, violations })
  return {
    ...findings,
    evidence: findings.violations.length > 0 ? await keepEvidence(world) : undefined,
    seed,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    kills: chaos.counts.kills,
    killsAtPoints: chaos.counts.killsAtPoints,
    killsAtStart: chaos.counts.killsAtStart,
    stops: chaos.counts.stops,
    otherFaults: chaos.counts.others,
    starts: world.host.starts,
  }
}

interface Play {
  readonly lives: TaskLife[]
  /** No new life begins when it aborts. */
  readonly ending: AbortSignal
}

async function leadMany(world: World, begin: (number: number) => TaskLife, { lives, ending }: Play): Promise<void> {
  for (let number = 0; !ending.aborted; number += 1) {
    const life = begin(number)
    lives.push(life)
    await leadOne(world, life, ending)
  }
}

/** Unlike in a sweep, others start the host. */
async function leadOne({ host }: World, life: Life, ending: AbortSignal): Promise<void> {
  let deadline = Number.POSITIVE_INFINITY
  while (performance.now() < deadline) {
    if (ending.aborted) deadline = Math.min(deadline, performance.now() + PEACE_BOUND_MS)
    try {
      if (await life.step(host.client)) return
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await sleep(20)
  }
  throw new Error(`${life.title} did not end: ${JSON.stringify(life.task)}`)
}

const countDescriptors = ({ host }: World): number => readdirSync(`/proc/${host.pid}/fd`).length

async function keepEvidence({ lab, host }: World): Promise<string> {
  await host.end('SIGTERM')
  const folder = mkdtempSync(join(tmpdir(), 'troupe-campaign-'))
  // Node copies no pipes.
  spawnSync('cp', ['-a', `${lab.folder}/.`, folder])
  return folder
}

/** Waits until nothing is left to be done; gives what stays. */
async function settle(world: World): Promise<string[]> {
  const deadline = performance.now() + 30_000
  const left = () => [
    ...(countEffects(world) > 0 ? [`${countEffects(world)} effects are left`] : []),
    ...world.agents().map((line) => `orphan: ${line}`),
  ]
  while (left().length > 0 && performance.now() < deadline) await sleep(50)
  return left()
}

interface Findings {
  readonly lives: readonly TaskLife[]
  readonly readings: readonly Reading[]
  readonly violations: readonly string[]
}

async function check(world: World, { lives, readings, violations }: Findings) {
  const found = [...violations, ...checkStore(world, { idle: true })]
  const sessions: Record<string, number> = {}
  const logs = new Map<string, string>()
  let messages = 0
  for (const life of lives) {
    const known = (await world.host.client.call('listUnitTasks', { search: life.title })).tasks.filter(
      ({ title }) => title === life.title,
    )
    for (const task of known) {
      const checked = await checkTask(world, task.agentTaskId, life.accepted)
      found.push(...checked.violations.map((text) => `${life.title}: ${text}`))
      messages += checked.messages
      for (const session of checked.sessions) {
        const outcome = session.outcome ?? session.status
        sessions[outcome] = (sessions[outcome] ?? 0) + 1
        logs.set(session.id, JSON.stringify(await readLog(world.host.client, session.id)))
      }
    }
  }
  for (const reading of readings) found.push(...checkReading(reading, logs.get(reading.sessionId)))
  const delivered = readings.reduce((sum, reading) => sum + reading.messages.length, 0)
  const accepted = lives.reduce((sum, life) => sum + life.accepted.length, 0)
  return { tasks: lives.length, sessions, messages, delivered, accepted, violations: found }
}

/** What a reader got is the log itself, or a beginning of it. */
function checkReading({ sessionId, messages, whole }: Reading, log: string | undefined): string[] {
  if (log === undefined) return [] // Deleted with its task.
  const all: unknown[] = JSON.parse(log)
  const wrong = messages.findIndex((message, index) => JSON.stringify(message) !== JSON.stringify(all[index]))
  if (wrong >= 0) return [`a reader of ${sessionId} got something else as message ${wrong + 1}`]
  return whole && messages.length < all.length
    ? [`a reader of ${sessionId} was told that it is over after ${messages.length} of ${all.length} messages`]
    : []
}
