/** A worker thread of the pool. */
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Carrier, ThreadOver } from './carrier.ts'

export function startThread(piscina: Piscina): Carrier {
  const abort = new AbortController()
  const { port1, port2 } = new MessageChannel()
  const task: Promise<unknown> = piscina.run(Piscina.move(port2), { signal: abort.signal })
  const over = task.then(
    () => causeOf(undefined),
    (reason: unknown) => causeOf(reason),
  )
  return { port: port1, over, end: () => abort.abort() }
}

function causeOf(error: unknown): ThreadOver {
  if (!(error instanceof Error)) return { kind: 'threw', message: `it threw ${String(error)}` }
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'memory' }
  const exit = /^worker exited with code: (\d+)$/.exec(error.message)
  return exit ? { kind: 'exited', code: Number(exit[1]) } : { kind: 'threw', message: error.message }
}
