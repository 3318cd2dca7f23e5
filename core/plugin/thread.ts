/** The entry of a plugin's thread. It begins empty; jobs bring the plugin. */
import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { type MessagePort, threadId } from 'node:worker_threads'
import { serveJob } from './job.ts'
import type { ThreadMethods } from './protocol.ts'
import { Wire } from './wire.ts'

const contractUrl = new URL(`./contract/index${extname(import.meta.url)}`, import.meta.url).href

// Wherever a plugin is on the disk, it gets the contract of the host that runs it.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'troupe/plugin' ? { url: contractUrl, shortCircuit: true } : next(specifier, context),
})

/** Serves until the host closes the port. */
export const serve = (control: MessagePort): Promise<void> =>
  new Wire<object, ThreadMethods>(control, {
    ping: () => {},
    open: (port) => {
      serveJob(port)
      return threadId
    },
  }).closed
