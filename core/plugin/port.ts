/** What carries messages between the host and where a plugin runs: a `MessagePort` of a thread, or the pipes of a process. */
import type { Transferable } from 'node:worker_threads'

export interface Port {
  /** @param transfer Buffers that may be given away instead of being copied. */
  postMessage(message: unknown, transfer: Transferable[]): void
  /** `close` comes when all that the other end sent before its end was received. */
  on(event: 'message' | 'close', listener: (message: unknown) => void): unknown
  close(): void
}
