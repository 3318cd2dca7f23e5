/**
 * A program of its own, beside OpenCode's server: makes of its HTTP and its event stream what every other agent has, lines in and
 * lines out. So the server is part of the session's processes, and what it says is in the session's files, whoever reads them:
 * after a crash of the host nothing has to be asked again. Owns the server and its password.
 *
 * In:  `{"id", "method", "path", "body"?}`, a request to the server.
 * Out: `{"id", "status", "body"}`, its answer, or `{"id", "error"}`; `{"event"}`, an event.
 *
 * B1 The server listens on loopback only and serves nobody without the password, which is made here and is in no file; a server
 *    that does not ask for it is ended. It takes the password from its environment, which its shells would inherit, so they are
 *    started by a script that forgets it. Whoever runs as the same user can still read it in the system's process table.
 * B2 Events are heard before anything is asked, so none is missed. When they end, so does the server, and this program.
 * B3 A request whose id came before is ignored: whoever continues a session may send again what may not have arrived.
 * B4 The server's heartbeats are not passed on: they would hide from the host's watchdog that nothing happens any more.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { PASSWORD, writeShell } from './shell.ts'

type Server = ChildProcessByStdio<null, Readable, null>

interface Request {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

const [scratchDir = '', program = 'opencode', ...args] = process.argv.slice(2)
const password = randomBytes(32).toString('base64url')
const headers = { authorization: `Basic ${btoa(`opencode:${password}`)}`, 'content-type': 'application/json' }
const HEARTBEAT = 'server.heartbeat'

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

function startServer(): Server {
  const env = { ...process.env, SHELL: writeShell(scratchDir, process.env['SHELL']), [PASSWORD]: password } // B1
  const options = ['serve', '--hostname=127.0.0.1', '--port=0', ...args]
  const server = spawn(program, options, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  server.once('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 127 // As a shell says that there is no such program.
  })
  server.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
  process.once('SIGTERM', () => server.kill())
  process.once('exit', () => server.kill())
  return server
}

async function findUrl(server: Server): Promise<string> {
  const found = Promise.withResolvers<string>()
  createInterface({ input: server.stdout }).on('line', (line) => {
    const url = /listening on (http:\S+)/.exec(line)?.[1]
    if (url === undefined) process.stderr.write(`${line}\n`)
    else found.resolve(url)
  })
  return found.promise
}

/** Each event of the stream is one line of data. Settles when the stream ends, however it does. */
async function passEvents(stream: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const bytes of stream) {
      const lines = `${text}${decoder.decode(bytes, { stream: true })}`.split('\n')
      text = lines.pop() ?? ''
      lines.forEach(passEvent)
    }
  } catch (error) {
    if (server.exitCode === null && !server.killed)
      process.stderr.write(`The events of OpenCode ended: ${String(error)}\n`)
  }
}

function passEvent(line: string): void {
  if (!line.startsWith('data:')) return
  const event: { type?: unknown } = JSON.parse(line.slice('data:'.length))
  if (event.type !== HEARTBEAT) say({ event }) // B4
}

async function passRequests(url: string): Promise<void> {
  const seen = new Set<string>()
  for await (const line of createInterface({ input: process.stdin })) {
    const request: Request = JSON.parse(line)
    if (seen.has(request.id)) continue // B3
    seen.add(request.id)
    await serve(url, request)
  }
}

/** One at a time, so that the server gets them in their order; each is answered at once. */
async function serve(url: string, { id, method, path, body }: Request): Promise<void> {
  try {
    const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
    const response = await fetch(`${url}${path}`, sent)
    say({ id, status: response.status, body: toBody(await response.text()) })
  } catch (error) {
    say({ id, error: String(error) })
  }
}

function toBody(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}

const server = startServer()
const url = await findUrl(server)
const { status } = await fetch(`${url}/session`)
if (status !== 401) throw new Error(`OpenCode serves anybody: ${status} without the password.`) // B1
const events = await fetch(`${url}/event`, { headers })
if (!events.body) throw new Error(`OpenCode gives no events: ${events.status}.`)
void passRequests(url)
await passEvents(events.body)
server.kill() // B2
