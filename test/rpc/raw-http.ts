/** HTTP as a hostile program speaks it: any bytes, any headers. */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RawRequest {
  readonly method?: string
  readonly path?: string
  /** Without `Host`, one that is right is sent. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Sends one request and reads until the whole answer is there. */
export async function rawRequest(target: { port: number } | { path: string }, request: RawRequest): Promise<RawAnswer> {
  const socket = connect(target)
  try {
    const host = 'port' in target ? `127.0.0.1:${target.port}` : 'localhost'
    socket.write(headOf(request, host))
    if (request.body !== undefined) socket.write(request.body)
    return await readAnswer(socket)
  } finally {
    socket.destroy()
  }
}

export function headOf({ method = 'POST', path = '/rpc', headers = {}, body }: RawRequest, host: string): string {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const all = { Host: host, ...length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Rejects when the connection ends before the answer does. */
export function readAnswer(socket: Socket): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    const answer = parseAnswer(Buffer.concat(chunks).toString())
    if (answer) resolve(answer)
  })
  socket.on('error', () => {})
  socket.on('close', () =>
    reject(new Error(`the connection ended after ${JSON.stringify(String(Buffer.concat(chunks)))}`)),
  )
  return promise
}

function parseAnswer(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2)))
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
  const body = text.slice(end + 4)
  if (Buffer.byteLength(body) < Number(lower['content-length'] ?? 0)) return undefined
  return { status: Number(first.split(' ')[1]), headers: lower, body }
}
