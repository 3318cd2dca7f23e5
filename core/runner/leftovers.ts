/** What an earlier host left in the folder of all sessions, beside what is gone on with. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import { endOrphans } from '../sandbox/orphans.ts'

export interface Leftovers {
  /** Sessions have their folders below. */
  readonly runRoot: string
  /** Sessions whose processes go on. */
  readonly continued: ReadonlySet<string>
  /** Sessions that are not over: each removes its folder itself. */
  readonly live: ReadonlySet<string>
  readonly logger: Logger
}

export interface Clearing {
  /** Settles when no process of an earlier host runs any more but those that go on. Never rejects. */
  readonly ended: Promise<void>
  /** Settles when nothing is left of sessions that are over. Never rejects. */
  readonly removed: Promise<void>
}

/** To be called before anything new begins there. */
export function clearLeftovers(leftovers: Leftovers): Clearing {
  const { runRoot, live, logger } = leftovers
  // What comes later is not from an earlier host, so the folders are listed before anything new can begin.
  const over = readdir(runRoot)
    .catch(() => [])
    .then((names) => names.filter((name) => !live.has(name)))
  const ended = over.then(() => endProcesses(leftovers))
  return { ended, removed: ended.then(async () => removeFolders(runRoot, await over, logger)) }
}

async function endProcesses({ runRoot, continued, logger }: Leftovers): Promise<void> {
  try {
    await endOrphans(runRoot, { logger, keep: (name) => continued.has(name) })
    faultPoint('runner.leftovers-ended')
  } catch (error) {
    logger.error({ err: error }, 'Processes of an earlier host could not be looked for. Look for them yourself.')
  }
}

async function removeFolders(runRoot: string, names: readonly string[], logger: Logger): Promise<void> {
  for (const name of names) await removeFolder(join(runRoot, name), logger)
}

/** Removes a session's folder. Never rejects: an agent may have left there what its owner cannot remove. */
export async function removeFolder(path: string, logger: Logger): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((error: unknown) =>
    logger.warn({ err: error, path }, 'The folder of an ended session could not be removed.'),
  )
}
