/** The plugins that come with Troupe keep the contract, with programs that misbehave in place of their own. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkPlugin } from '../../core/conformance/check-plugin.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'

/** Points that a plugin cannot keep, and why. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Aider speaks prose: what it prints before a turn is a banner. Its conversations are kept in ~/.aider, to be resumed.
  aider: ['kept', 'files'],
}

const plugins = readdirSync(join(repositoryRoot, 'plugins'))

describe('the check finds no fault with', () => {
  it.concurrent.each(plugins)('%s', async (name) => {
    const { points } = await checkPlugin({ folder: join(repositoryRoot, 'plugins', name), longestLine: 20_000_000 })
    const failed = points.filter(({ status, id }) => status === 'failed' && !EXCEPTIONS[name]?.includes(id))
    expect(failed).toEqual([])
    expect(points.filter(({ status }) => status === 'passed').length).toBeGreaterThan(15)
  })
})
