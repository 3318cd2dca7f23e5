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

/** Works as a burst does: much of what it makes lives for a while. Prints how large the young generation became, in MiB. */
const BURST = `
  const { keepHeapSmall } = await import('./hosts/quiet-heap.ts')
  const { getHeapSpaceStatistics } = await import('node:v8')
  const { setImmediate: turn } = await import('node:timers/promises')
  using _heap = keepHeapSmall()
  const kept = []
  for (let round = 0; round < 1500; round += 1) {
    kept.push(Array.from({ length: 1000 }, (_, index) => ({ index, name: 'name ' + index })))
    if (kept.length > 60) kept.shift()
    await turn()
  }
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 1024 ** 2)`

it('a burst of work does not make the young generation as large as V8 would let it', async () => {
  const options = { cwd: repositoryRoot, env: {} }
  const size = await runOrThrow(process.execPath, ['--input-type=module-typescript', '-e', BURST], options)
  expect(Number(size)).toBeLessThanOrEqual(20)
})

/** Makes what lives long enough to become old. Prints how large the old generation became, in MiB; 16 of them are in use. */
const LONG_BURST = `
  const { keepHeapSmall } = await import('./hosts/quiet-heap.ts')
  const { getHeapSpaceStatistics } = await import('node:v8')
  const { setImmediate: turn } = await import('node:timers/promises')
  using _heap = keepHeapSmall()
  const old = () => getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size
  const kept = []
  let most = 0
  for (let round = 0; round < 3000; round += 1) {
    kept.push(Array.from({ length: 1000 }, (_, index) => ({ index, name: 'name ' + index })))
    if (kept.length > 200) kept.shift()
    most = Math.max(most, old())
    await turn()
  }
  console.log(most / 1024 ** 2)`

it('a burst that goes on does not fill the old generation with garbage as far as V8 would let it', async () => {
  // V8 collects in other threads too, and the later the busier the machine is; with this it does not.
  const args = ['--single-threaded-gc', '--input-type=module-typescript', '-e', LONG_BURST]
  const size = await runOrThrow(process.execPath, args, { cwd: repositoryRoot, env: {} })
  expect(Number(size)).toBeLessThanOrEqual(100)
})
