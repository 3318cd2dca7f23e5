/** How the tests run. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { AbilityReporter } from './helpers/ability-reporter.ts'
import { CountReporter } from './helpers/reporter.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('..'),
  resolve: {
    alias: {
      'troupe/plugin': at('../core/plugin/contract/index.ts'),
      'troupe/client': at('../core/rpc/client/index.ts'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: [at('./helpers/embedded-postgres.ts')],
    reporters: ['default', new AbilityReporter(), new CountReporter()],
    // Bounds for what hangs, not for what is slow: nothing passes by luck, and a machine at work fails nothing.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    maxWorkers: 2,
    pool: 'forks',
    restoreMocks: true,
  },
})
