/** The part of the campaign with several engines on one PostgreSQL: the test of it, with the campaign's seed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { repositoryRoot } from '../helpers/repository-files.ts'

const TEST = 'test/engine/several-engines.test.ts'
/** Sessions a task that are done in a minute, with a killer at work; a rough figure. */
const ROUNDS_A_MINUTE = 20

export interface EnginesOptions {
  readonly seed: number
  readonly minutes: number
  readonly tell: (text: string) => void
}

/** True when all held; what did not is printed. */
export function runEngines({ seed, minutes, tell }: EnginesOptions): boolean {
  tell('several engines on one PostgreSQL')
  const rounds = Math.max(Math.round(minutes * ROUNDS_A_MINUTE), 2)
  const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs')
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', 'test/vitest.config.ts', TEST], {
    cwd: repositoryRoot,
    env: { ...process.env, TROUPE_TEST_ENGINES_SEED: String(seed), TROUPE_TEST_ENGINES_ROUNDS: String(rounds) },
    // Standard output is the summary's.
    stdio: ['ignore', process.stderr, 'inherit'],
  })
  return status === 0
}
