/** Runs the benchmarks of one module and sends their rows to `../main.ts`. */
import type { Row } from './row.ts'

const [, , module] = process.argv
if (!module) throw new Error('Which module?')
// What waits only for a timer that holds nothing must not end the process.
process.channel?.ref()
const exported: Record<string, unknown> = await import(module)

const isBenchmark = (value: unknown): value is () => Promise<Row[]> => typeof value === 'function'

for (const [name, benchmark] of Object.entries(exported)) {
  if (!name.startsWith('bench') || !isBenchmark(benchmark)) continue
  process.send?.(await benchmark())
}
process.disconnect?.()
