/** The entry of a plugin's process: what `thread.ts` is for a thread, behind pipes. */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { deserialize } from 'node:v8'
import { FrameReader, toFrame } from './frames.ts'
import type { Port } from './port.ts'
import type { ProcessData } from './process-carrier.ts'
import { restrictProcess } from './restrict.ts'
import { provideContract, serveJobs } from './serve-jobs.ts'

const FROM_HOST = 3
const TO_HOST = 4

/** Blocks until the host takes it, so that nothing is lost when the plugin ends the process. */
function write(message: unknown): void {
  const frame = toFrame(Buffer.from(JSON.stringify(message)))
  for (let written = 0; written < frame.length;) written += writeSync(TO_HOST, frame, written)
}

const input = new Socket({ fd: FROM_HOST, readable: true, writable: false })
const frames = new FrameReader(Infinity)
let onMessage: ((message: unknown) => void) | undefined

const port: Port = {
  postMessage: write,
  on(event: 'message' | 'close', listener: (message: unknown) => void) {
    if (event === 'message') onMessage = listener
    else input.once('close', () => listener(undefined))
  },
  close: () => void input.destroy(),
}

// The host is gone, or wants no more.
input.once('close', () => process.exit())
input.on('data', (chunk: Buffer) => {
  for (const frame of frames.read(chunk)) {
    const message: unknown = deserialize(frame)
    if (onMessage) onMessage(message)
    else if (isBirth(message)) begin(message)
  }
})

const isBirth = (message: unknown): message is ProcessData =>
  typeof message === 'object' && message !== null && 'shapes' in message

restrictProcess(input)
provideContract()

function begin({ shapes }: ProcessData): void {
  const served = serveJobs(port, { shapes, number: process.pid })
  process.on('uncaughtException', (error) => {
    served.threw(error instanceof Error ? error.message : String(error))
    process.exit(1)
  })
}
