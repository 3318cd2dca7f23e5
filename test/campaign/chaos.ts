/** What befalls the host in a campaign, drawn from the seed. The only one that starts and ends hosts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep, within } from '../../core/base/waiting.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { findFaultPoints } from './fault-points.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

const HOLDER = join(repositoryRoot, 'test/faults/locked-database.ts')
const DAY_MS = 24 * 60 * 60 * 1000
/** A fault point that is not reached within this time is given up. */
const POINT_BOUND_MS = 3000

/** The host may be at an armed point at this very moment. */
const DISARM_MS = 100
const HOLD_BOUND_MS = 60_000

export interface Chaos {
  readonly counts: { kills: number; killsAtPoints: number; killsAtStart: number; stops: number; others: number }
  /** One thing befalls the host; settles when a host serves again. */
  strike(): Promise<void>
  /** The host serves, unharmed, from now on. */
  calm(): Promise<void>
}

export interface ChaosOptions {
  readonly world: World
  readonly random: Random
  /** The file by which the wall clock of hosts is shifted, if there is one. */
  readonly clock?: string
  readonly tell: (text: string) => void
}

export function makeChaos({ world, random, clock, tell }: ChaosOptions): Chaos {
  const { host } = world
  const points = findFaultPoints().flatMap(({ name }) => name ?? [])
  const counts = { kills: 0, killsAtPoints: 0, killsAtStart: 0, stops: 0, others: 0 }

  async function startAgain(): Promise<void> {
    if (random.chance(0.2)) {
      counts.killsAtStart += 1
      const starting = host.start()
      await sleep(random.between(50, 900))
      await host.end('SIGKILL')
      await starting
    }
    const start = await host.start()
    if (start.kind === 'ended' && host.killedAt() === undefined) throw new Error(`no host starts: ${start.stderr}`)
    if (start.kind === 'ended') await startAgain()
  }

  async function kill(): Promise<void> {
    counts.kills += 1
    await host.end('SIGKILL')
    await startAgain()
  }

  async function killAtPoint(): Promise<void> {
    host.forget()
    host.arm(Array.from({ length: 3 }, () => `${random.pick(points)} ${random.between(1, 3)}`))
    for (let waited = 0; host.alive && waited < POINT_BOUND_MS; waited += 20) await sleep(20)
    host.arm([])
    await sleep(DISARM_MS)
    if (host.alive) return
    counts.killsAtPoints += 1
    const point = host.killedAt()
    if (point === undefined) throw new Error(`the host died by itself: ${host.epitaph}`)
    tell(`killed at ${point}`)
    await host.end('SIGKILL')
    await startAgain()
  }

  async function stop(): Promise<void> {
    counts.stops += 1
    await host.end('SIGTERM')
    await startAgain()
  }

  async function freeze(): Promise<void> {
    process.kill(host.pid, 'SIGSTOP')
    await sleep(random.between(200, 1500))
    process.kill(host.pid, 'SIGCONT')
  }

  async function holdDatabase(): Promise<void> {
    const holder = spawn(process.execPath, [HOLDER, join(world.home, 'troupe.db')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    await within(HOLD_BOUND_MS, 'Holding the database', once(holder.stdout, 'data'))
    await sleep(random.between(100, 2500))
    holder.stdin.end()
    if (holder.exitCode === null) await once(holder, 'exit')
  }

  function shiftClock(): void {
    if (clock !== undefined) writeFileSync(clock, String(random.between(-2, 2) * DAY_MS))
  }

  const blows = { kill, killAtPoint, stop, freeze, holdDatabase, shiftClock }
  const weights: readonly (keyof typeof blows)[] = [
    ...Array.from({ length: 6 }, () => 'kill' as const),
    ...Array.from({ length: 6 }, () => 'killAtPoint' as const),
    'stop',
    'stop',
    'freeze',
    'holdDatabase',
    'holdDatabase',
    'shiftClock',
  ]

  return {
    counts,
    async strike() {
      await sleep(random.between(50, 2000))
      const blow = random.pick(weights)
      tell(blow)
      if (blow === 'freeze' || blow === 'holdDatabase' || blow === 'shiftClock') counts.others += 1
      await blows[blow]()
    },
    async calm() {
      host.arm([])
      if (host.crashed) await host.end('SIGKILL')
      if (!host.alive) await host.start()
    },
  }
}
