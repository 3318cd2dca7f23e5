/** The start of a session by a host that holds much memory, against one that holds none: a spawn copies page tables. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Channel } from '../helpers/channel.ts'
import { atMost, type Row } from './runner/row.ts'
import { alternate } from './runner/statistics.ts'

const HEAP_MIB = 600
const PAIRS = 17
const HOST = fileURLToPath(new URL('./agents/heavy-host.ts', import.meta.url))

export async function benchLargeHeap(): Promise<Row[]> {
  await using heavy = await openHost(HEAP_MIB)
  await using light = await openHost(0)
  const times = await alternate({ rounds: PAIRS, warmups: 4 }, heavy.firstText, light.firstText)
  return [
    {
      name: `prompt to first text with ${HEAP_MIB} MiB of heap in use`,
      unit: 'ms',
      ...times,
      goals: [atMost('ratio', 1.5)],
      how: `${PAIRS} alternating pairs with a trivial agent in its worktree: a host whose heap holds ${HEAP_MIB} MiB, against one whose heap holds nothing beside its own`,
    },
  ]
}

async function openHost(heapMib: number) {
  const child = fork(HOST, [String(heapMib)], { execArgv: ['--max-old-space-size=4096'], stdio: 'inherit' })
  const figures = new Channel<number>()
  child.on('message', (figure) => figures.push(Number(figure))).on('exit', () => figures.close())
  const iterator = figures[Symbol.asyncIterator]()
  const next = async (): Promise<number> => (await iterator.next()).value ?? Number.NaN
  await next()
  return {
    firstText: (): Promise<number> => {
      child.send('measure')
      return next()
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
