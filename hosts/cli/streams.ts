/** Standard input, output and error of a command, and who reads them. */
import type { Readable, Writable } from 'node:stream'
import type { OutputStream } from './render/style.ts'

export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & OutputStream
  readonly stderr: Writable & OutputStream
}

/** A person sits there, who sees prompts and can answer them. */
export const isInteractive = ({ stdin, stdout }: Streams): boolean => stdin.isTTY === true && stdout.isTTY === true

const MAX_INPUT_BYTES = 1_000_000

/** Reads standard input to its end; undefined when it is longer than a prompt may be. */
export async function readInput(stdin: Readable, signal: AbortSignal): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  const onAbort = () => stdin.destroy(signal.reason instanceof Error ? signal.reason : undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of stdin) {
      const read = Buffer.from(chunk)
      bytes += read.length
      if (bytes > MAX_INPUT_BYTES) return undefined
      chunks.push(read)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return Buffer.concat(chunks).toString('utf8')
}
