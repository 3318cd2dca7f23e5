import { expect, it } from 'vitest'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { runOrThrow } from '../helpers/run-program.ts'

/** A program that fills its heap and drops most of it; prints whether the heap became small again. */
const script = (meanwhile: string): string => `
  const { keepHeapSmall } = await import('./hosts/quiet-heap.ts')
  const { getHeapStatistics } = await import('node:v8')
  const { setTimeout: sleep, setImmediate: turn } = await import('node:timers/promises')
  const bytes = () => getHeapStatistics().total_heap_size
  const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); }
  const filled = Array.from({ length: 400_000 }, (_, index) => ({ index, name: 'name ' + index }))
  const most = bytes()
  filled.splice(1000)
  using _heap = keepHeapSmall({ lookMs: 500 })
  const isSmall = () => bytes() < most / 2
  ${meanwhile}
  console.log(isSmall(), filled.length)`

const run = (meanwhile: string): Promise<string> =>
  runOrThrow(process.execPath, ['--input-type=module-typescript', '-e', script(meanwhile)], {
    cwd: repositoryRoot,
    env: {},
  })

it('a host that has turned quiet gives back the memory of what it did', async () => {
  const untilSmall = 'for (let waited = 0; !isSmall() && waited < 20_000; waited += 100) await sleep(100)'
  expect(await run(untilSmall)).toBe('true 1000\n')
})

it('a host at work is not held up for that', async () => {
  const atWork = 'for (let round = 0; round < 40; round += 1) { busy(50); await turn() }'
  expect(await run(atWork)).toBe('false 1000\n')
})
