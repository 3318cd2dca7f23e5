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
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    restoreMocks: true,
  },
})
