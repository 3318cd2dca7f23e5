/** Speaking with one program for the length of a session: what a plugin implements, and what it is given. */
import type { RunEnd, Session } from './agent.ts'
import type { FollowUp, SessionIo } from './io.ts'
import type { Spoken } from './spoken.ts'

/** The program of a session, as a conversation deals with it. */
export interface Connection {
  readonly session: Session
  readonly io: SessionIo
  /** False once the program shall end, or has. */
  readonly isOpen: boolean
  /** The session shall stop. */
  readonly isStopping: boolean
  /** Remembers the conversation as it is, then writes. Settles when it is written; never rejects. */
  write(line: string): Promise<void>
  /** Sends a signal to the program; never rejects. */
  signal(name: 'SIGINT' | 'SIGTERM'): void
  /** Adds a message to the log, or shows a live fragment of one. */
  say(spoken: Spoken): void
  /** Makes what `save` gives the session's checkpoint. Needed only for what changes outside of the conversation's own calls. */
  remember(): void
  /** While it is open: calls `otherwise` after `ms`, unless `proceed` or another bound comes first. */
  within(ms: number, otherwise: () => void): void
  /** What was waited for has come. */
  proceed(): void
  /** Ends the program with all that it started after `ms`, unless it ends before. Takes the place of any other bound. */
  stopAfter(ms: number): void
  /** The session is over, with this end, as soon as the program has ended; `quit` is called when that is remembered. */
  end(end: RunEnd): void
  /** A turn that another follows has ended: the session's end says nothing of it, so its error is told here. */
  passOver(end: RunEnd): void
}

/**
 * One conversation with a program. Each call is made after the one before has returned; whatever it says and changes is committed
 * together, and with it the line that led to it.
 */
export interface Conversation<Memory> {
  /** What must not be lost in a crash: plain data. A continued session begins with it. */
  save(): Memory
  /** First of all: says what is to be said, or may not have arrived before a crash, and waits for what is due. */
  begin(): void
  /** A line of the program's standard output. */
  hear(line: string): void
  /**
   * What people say while it is open. With the next commit it is acknowledged, and comes no more: what `save` gives holds it until the
   * program is known to have got it.
   */
  follow(followUp: FollowUp): void
  /** The session shall stop: interrupts what the program does. It is ended after a moment, unless `stopAfter` says otherwise. */
  stop(): void
  /** Asks the program to end by itself. It is ended after a moment, unless `stopAfter` says otherwise. */
  quit(): void
  /** Nobody needs to answer any more. */
  withdraw(): void
  /**
   * The program has ended: says what was left open.
   * @returns How the session ended, if that is known although `end` was not called.
   */
  finish(): RunEnd | undefined
  /** The follow-ups that the agent did not get, oldest first. */
  unheard(): readonly string[]
}
