/** The entry of a plugin's thread. */
import { type MessagePort, threadId, workerData } from 'node:worker_threads'
import type { MessageShapes } from './message-check.ts'
import { provideContract, serveJobs } from './serve-jobs.ts'

provideContract()

/** What every thread of a pool is born with. */
export interface ThreadData {
  readonly shapes: MessageShapes
}

/** Serves until the host closes the port. */
export function serve(port: MessagePort): Promise<void> {
  const { shapes }: ThreadData = workerData
  return serveJobs(port, { shapes, number: threadId }).closed
}
