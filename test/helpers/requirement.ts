/**
 * Tests that need a real component (a program, a service). Where it is missing they are skipped and say so; in CI,
 * where everything must be there, they fail instead.
 */
import { spawnSync } from 'node:child_process'
import { describe, it } from 'vitest'

/** @returns Why the component cannot be used here, or undefined if it can. */
export type Probe = () => string | undefined | Promise<string | undefined>

export type Describe = (name: string, tests: () => void) => void

/**
 * @param component As it shall be named in the output, for example `git`.
 * @example
 * const describeWithGit = await requires('git', program('git'))
 * describeWithGit('a worktree', () => { ... })
 */
export async function requires(component: string, probe: Probe): Promise<Describe> {
  const reason = await probe()
  if (reason === undefined) return (name, tests) => describe(name, tests)
  const because = `needs ${component}: ${reason}`
  return process.env['CI'] ? failing(because) : (name, tests) => describe.skip(`${name} (${because})`, tests)
}

const failing =
  (because: string): Describe =>
  (name) => {
    it(`${name} (${because})`, () => {
      throw new Error(`The test ${because}. In CI this component must be there: see .ci/run.`)
    })
  }

/** A program that can be started; `--version` (or other arguments) must end with 0. */
export const program =
  (name: string, args: readonly string[] = ['--version']): Probe =>
  () => {
    const { error, status } = spawnSync(name, args, { stdio: 'ignore', timeout: 10_000 })
    if (error) return `${name} cannot be started (${error.message})`
    return status === 0 ? undefined : `${name} ${args.join(' ')} ended with ${status}`
  }
