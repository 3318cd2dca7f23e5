/**
 * A channel over a MessagePort, by Comlink: each side exposes one function that takes a text.
 * Comlink never settles a call whose other side died, so this file owns the sends under way and settles them itself.
 * Comlink lets the other side reach into what is exposed: only for ports within one program.
 */
import { expose, wrap, type Endpoint } from 'comlink'
import { channelEnded, makeInbox, toText, type Channel, type Piece } from './channel.ts'

/** A MessagePort of the browser or of Node. */
export interface Port extends Endpoint {
  close(): void
}

export function makePortChannel(port: Port): Channel {
  const ended = new AbortController()
  const inbox = makeInbox()
  const underWay = new Set<(reason: unknown) => void>()

  function end(how: string): void {
    if (ended.signal.aborted) return
    ended.abort(channelEnded(how))
    for (const reject of underWay) reject(ended.signal.reason)
  }

  port.addEventListener('close', () => end('the other side is gone'))
  expose((text: string) => inbox.push(text), port)
  const deliver = wrap<(text: string) => void>(port)

  function send(...pieces: readonly Piece[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (ended.signal.aborted) reject(ended.signal.reason)
    underWay.add(reject)
    deliver(toText(pieces)).then(resolve, reject)
    return promise.finally(() => underWay.delete(reject))
  }

  function close(): void {
    end('it was closed')
    port.close()
  }

  return { send, receive: inbox.open, closed: ended.signal, close }
}
