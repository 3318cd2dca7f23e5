/** Opens plugin hosts over the fixture plugins. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { type PluginHost, type PluginHostOptions, openPluginHost } from '../../core/plugin/plugin-host.ts'

export const FIXTURES = fileURLToPath(new URL('../../fixtures/plugins', import.meta.url))

export const fixture = (name: string): string => `${FIXTURES}/${name}`

/** All fixture plugins, with bounds that fit a test. */
export const openFixtureHost = (options: Partial<PluginHostOptions> = {}): Promise<PluginHost> =>
  openPluginHost({
    bundled: FIXTURES,
    logger: silentLogger,
    clock: systemClock,
    ...options,
    limits: { memoryMb: 64, unresponsiveMs: 30_000, loadMs: 30_000, stopMs: 1_000, ...options.limits },
  })

export const fixtureNames = (): string[] => readdirSync(FIXTURES)
