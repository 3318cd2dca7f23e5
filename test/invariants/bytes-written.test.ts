/** Counts of the benchmarks that are exact, so they hold in CI too. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Measured } from '../bench/runner/row.ts'

const CHILD = fileURLToPath(new URL('../bench/runner/child.ts', import.meta.url))

/** In a process of its own: what else this one writes does not count. */
async function bytesPerByteLogged(): Promise<number> {
  const child = fork(CHILD, [new URL('../bench/bytes-written.ts', import.meta.url).href], { timeout: 60_000 })
  const rows = once(child, 'message') as Promise<[Measured[]]>
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(0)
  const [[row]] = await rows
  return row?.value ?? Number.NaN
}

test('the log writes at most 12 bytes for each byte logged in batches of 20', async () => {
  const figure = await bytesPerByteLogged()
  expect(figure).toBeLessThanOrEqual(12)
  expect(figure).toBeGreaterThan(1)
})
