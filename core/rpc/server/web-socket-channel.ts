/** A channel over a WebSocket of the server. A peer that lets too much wait for it is cut off. */
import type { WebSocket } from 'ws'
import { channelEnded, makeInbox, type Channel } from '../channel.ts'

export function makeWebSocketChannel(socket: WebSocket, bufferedBytes: number): Channel {
  const ended = new AbortController()
  const inbox = makeInbox()

  socket.on('message', (data, isBinary) => {
    if (isBinary) socket.close(1003, 'send text')
    else inbox.push(textOf(data))
  })
  // An error (a frame over the limit, invalid UTF-8, a reset) is always followed by a close.
  socket.on('error', () => {})
  socket.on('close', (code) => ended.abort(channelEnded(`code ${code}`)))

  function send(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (socket.bufferedAmount > bufferedBytes) socket.terminate()
    socket.send(text, (error) => (error ? reject(channelEnded('the peer is gone')) : resolve()))
    return promise
  }

  return { send, receive: inbox.open, closed: ended.signal, close: () => socket.close(1000) }
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
