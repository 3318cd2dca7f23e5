/** The entry of a plugin's thread. It begins empty; jobs bring the plugin. */
import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { type MessagePort, threadId, workerData } from 'node:worker_threads'
import { Jobs } from './job.ts'
import type { MessageShapes } from './message-check.ts'
import { CONTROL, type ThreadMethods } from './protocol.ts'
import { Trunk } from './trunk.ts'

const contractUrl = new URL(`./contract/index${extname(import.meta.url)}`, import.meta.url).href

// Wherever a plugin is on the disk, it gets the contract of the host that runs it.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'troupe/plugin' ? { url: contractUrl, shortCircuit: true } : next(specifier, context),
})

/** What every thread of a pool is born with. */
export interface ThreadData {
  readonly shapes: MessageShapes
}

/** Serves until the host closes the port. */
export function serve(port: MessagePort): Promise<void> {
  const { shapes }: ThreadData = workerData
  const trunk = new Trunk(port)
  const jobs = new Jobs(trunk, shapes)
  // What a plugin said before it ended its own thread is heard.
  process.once('exit', () => jobs.sendRest())
  trunk.open<object, ThreadMethods>(CONTROL, {
    ping: () => {},
    open: (wire) => {
      jobs.begin(wire)
      return threadId
    },
  })
  return trunk.closed
}
