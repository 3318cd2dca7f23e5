/** A channel over a WebSocket of the server. A peer that lets too much wait for it is cut off. */
import type { WebSocket } from 'ws'
import { channelEnded, makeInbox, type Channel, type Piece } from '../channel.ts'

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

  function send(...pieces: readonly Piece[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (socket.bufferedAmount > bufferedBytes) socket.terminate()
    const frames = toFrames(pieces)
    const last = frames.pop() ?? ''
    for (const frame of frames) socket.send(frame, { fin: false, binary: false })
    socket.send(last, { binary: false }, (error) => (error ? reject(channelEnded('the peer is gone')) : resolve()))
    return promise
  }

  return { send, receive: inbox.open, closed: ended.signal, close: () => socket.close(1000) }
}

/** Each piece of bytes is a frame of its own, so that many sockets send the same memory; strings between them are joined. */
function toFrames(pieces: readonly Piece[]): Piece[] {
  const frames: Piece[] = []
  for (const piece of pieces) {
    const before = frames.at(-1)
    if (typeof piece === 'string' && typeof before === 'string') frames[frames.length - 1] = before + piece
    else frames.push(piece)
  }
  return frames
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
