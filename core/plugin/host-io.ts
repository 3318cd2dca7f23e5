/** What the plugin host needs from whoever runs a session (the runner implements it, on the main thread). */
import type { MessageType } from '../contract/messages.ts'
import type { Ask, Command, Exit, FollowUp } from './contract/io.ts'

/** A message on its way to the log: validated and serialized in the plugin's thread, so that the main thread never parses it. */
export interface Draft {
  readonly type: MessageType
  /** The JSON of a `MessageBody`; begins with `{"type":"<type>"`. */
  readonly json: string
}

/** How far the output of each process has been turned into messages, and the plugin's own state there. */
export interface Progress {
  /** Bytes of each stream, by process number (from 0, in the order of spawning). */
  readonly offsets: readonly { readonly stdout: number; readonly stderr: number }[]
  readonly checkpoint?: unknown
}

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  /** Where the chunk begins in its stream. */
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface HostProcess {
  /**
   * Begins where the progress says when the session is continued. Chunks are read only as they are asked for, so a slow plugin
   * costs no memory. Ends after exit, when all was read.
   */
  readonly output: AsyncIterable<OutputChunk>
  readonly exited: Promise<Exit>
  write(text: string): Promise<void>
  signal(name: 'SIGINT' | 'SIGTERM'): Promise<void>
  stop(): Promise<Exit>
}

export interface HostIo {
  /** Calls come in order: number n, from 0, is process n of the progress. */
  spawn(command: Command): Promise<HostProcess>
  /** Settles when the messages are committed; the plugin host sends the next batch then. */
  append(drafts: readonly Draft[], progress: Progress): Promise<void>
  delta(type: 'text' | 'thinking', content: string): void
  ask(question: Ask, withdraw: AbortSignal): Promise<string>
  /** Asking for the next one acknowledges the one before, and all progress that led to that is committed by then. */
  readonly followUps: AsyncIterable<FollowUp>
  debug(text: string): void
}
