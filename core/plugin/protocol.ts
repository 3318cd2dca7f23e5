/** What the host and a plugin's thread call of each other, over wires. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { Detection } from '../contract/records.ts'
import type { AgentSettings, RunEnd, Session } from './contract/agent.ts'
import type { Isolation } from './carrier.ts'
import type { Ask, Command, DetectIo, Exit, FollowUp } from './contract/io.ts'
import type { OutputChunk, Progress } from './host-io.ts'

/** The most bytes of output that travel in one piece. */
export const CHUNK_BYTES = 64 * 1024

/** Of a text for the debug log. */
export const DEBUG_CHARACTERS = 8 * 1024

/** The wire of `ThreadMethods`; jobs have those after it. */
export const CONTROL = 0

/** Where the code of a plugin is, and what it must bring. */
export interface PluginEntry {
  readonly name: string
  /** `file:` URL of its main module. */
  readonly url: string
  readonly agents: readonly string[]
  /** Its sessions may share a thread. */
  readonly shares: boolean
  readonly isolation: Isolation
  /** The only programs that it may start; without it any. */
  readonly programs?: readonly string[]
}

/** Served by a thread for as long as it lives. */
export interface ThreadMethods {
  /** Answers at once; a thread that does not is stuck in a loop. */
  ping(): void
  /** Begins a job on this wire. Answers with the number of the thread, as its console output is logged under it. */
  open(wire: number): number
}

/** Served by the host for a thread, or process, as long as it lives. */
export interface OwnerMethods {
  /** An error that nobody caught ends it now. */
  threw(message: string): void
}

/** Served by a thread for one job; `load` comes first. */
export interface JobMethods {
  load(entry: PluginEntry): void
  run(work: { readonly session: Session; readonly progress?: Progress }): RunEnd
  detect(request: { readonly agent: string; readonly settings: AgentSettings }): Detection
  /** The session shall stop: aborts `io.signal`. */
  stop(): void
}

/** Served by the host for a session. Processes are numbered from 0 in the order of their start. */
export interface SessionMethods {
  spawn(command: Command): number
  /** One piece of output: a call is the credit for it. Null after the last one. */
  read(process: number): OutputChunk | null
  exited(process: number): Exit
  write(request: { readonly process: number; readonly text: string }): void
  signal(request: { readonly process: number; readonly name: 'SIGINT' | 'SIGTERM' }): void
  stop(process: number): Exit
  /** Settles after the commit: that is the credit for the next batch. */
  append(batch: Batch): void
  delta(fragment: { readonly type: 'text' | 'thinking'; readonly content: string }): void
  ask(request: { readonly id: number; readonly question: Ask }): string
  withdraw(id: number): void
  /** Null when there will be no more. */
  nextFollowUp(): FollowUp | null
  debug(text: string): void
  /** The session cannot go on. Sent even from a loop that never gives way. */
  failed(error: ErrorEnvelope): void
}

export interface Batch {
  /** `MessageBody`s as JSON. Bare strings: they cross threads in a third of the time that objects take. */
  readonly messages: readonly string[]
  readonly progress: Progress
}

/** Served by the host while an agent is being detected. */
export interface DetectMethods {
  find(program: string): string | undefined
  run(request: { readonly program: string; readonly args: readonly string[] }): Awaited<ReturnType<DetectIo['run']>>
  hasSecret(name: string): boolean
  fileExists(path: string): boolean
}
