/** What every two-way transport is reduced to. It knows no methods. */
import { TroupeError } from '../base/errors.ts'

/** A part of a text; bytes are UTF-8, made once for all whom it is sent to. */
export type Piece = string | Uint8Array

/** Carries texts, each whole and in order, both ways. Several may be received in one task. */
export interface Channel {
  /**
   * Sends one text, whole or in pieces; settles when the other side, or the socket towards it, took it.
   * @throws TroupeError HOST_UNREACHABLE when the channel has ended.
   */
  send(...pieces: readonly Piece[]): Promise<void>
  /** Sets the one receiver; texts that come before are not lost. */
  receive(receiver: (text: string) => void): void
  /** Aborts when the channel has ended; its reason is a TroupeError. */
  readonly closed: AbortSignal
  /** Ends the channel; the other side hears of it. */
  close(): void
}

export const channelEnded = (how: string): TroupeError =>
  new TroupeError('HOST_UNREACHABLE', `The connection ended: ${how}.`)

/** The text that pieces are. */
export function toText(pieces: readonly Piece[]): string {
  const decoder = new TextDecoder()
  return pieces.map((piece) => (typeof piece === 'string' ? piece : decoder.decode(piece))).join('')
}

export interface Inbox {
  readonly push: (text: string) => void
  readonly open: (receiver: (text: string) => void) => void
}

/** Holds what comes before there is a receiver. */
export function makeInbox(): Inbox {
  const early: string[] = []
  let deliver = (text: string): void => void early.push(text)
  return {
    push: (text) => deliver(text),
    open(receiver) {
      deliver = receiver
      for (const text of early.splice(0)) receiver(text)
    },
  }
}
