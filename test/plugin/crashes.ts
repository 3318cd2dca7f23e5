/** Runs a session whose host dies again and again, each time in the middle of a commit. */
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { type PluginEnd, type PluginHost, openPluginHost } from '../../core/plugin/plugin-host.ts'
import type { Progress } from '../../core/plugin/host-io.ts'
import type { Session } from '../../core/plugin/contract/index.ts'
import { makeRedactor, type Secret } from '../../core/secrets/redact.ts'
import { TestIo, type TestIoOptions } from '../helpers/plugin-io.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

export interface Lives {
  readonly end: PluginEnd
  /** That of the last life; its messages and processes are those of all of them. */
  readonly io: TestIo
  readonly lives: number
}

export interface CrashingSession {
  readonly session: Session
  readonly io: TestIoOptions
  /** Masked in what is stored of the session, as a runner does. */
  readonly secrets?: readonly Secret[]
  /** Called with each life's io before it begins. */
  readonly onLife?: (io: TestIo, life: number) => void
}

const MOST_LIVES = 200

/** Each host commits one batch and dies when it shall commit the next; the last one lives until the session has ended. */
export async function runThroughCrashes(crashing: CrashingSession): Promise<Lives> {
  const { session, io: options, onLife, secrets = [] } = crashing
  const redactor = makeRedactor(secrets)
  // Threads begin faster with the code that those before compiled.
  using folder = makeTemporaryFolder()
  const open = () => openPluginHost({ logger: silentLogger, clock: systemClock, dataDir: folder.path })
  let after: TestIo | undefined
  for (let lives = 1; lives <= MOST_LIVES; lives++) {
    const io: TestIo = new TestIo({ ...options, batchesToLive: 1, ...(after && { after }) })
    onLife?.(io, lives)
    const progress = io.progress && redactor.json(io.progress)
    const end = await live(await open(), io, { session, progress })
    if (end) return { end, io, lives }
    after = io
  }
  await after?.[Symbol.asyncDispose]()
  throw new Error(`The session has not ended after ${MOST_LIVES} lives.`)
}

interface Stored {
  readonly session: Session
  readonly progress: Progress | undefined
}

async function live(host: PluginHost, io: TestIo, { session, progress }: Stored): Promise<PluginEnd | undefined> {
  const continued = progress && { progress, session: { ...session, checkpoint: progress.checkpoint } }
  const end = host.run({ session, io, signal: new AbortController().signal, ...continued })
  const ended = await Promise.race([end, io.died.promise])
  await host[Symbol.asyncDispose]()
  return ended ?? undefined
}
