/**
 * A peer: `sandbox-agent`, which serves agents that speak ACP over HTTP and server-sent events.
 * Owns its server process. Its built-in agent `mock` is replaced by ours, in a HOME of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../../core/base/waiting.ts'
import { installed } from '../../helpers/agent-programs.ts'

const AGENT = fileURLToPath(new URL('../agents/acp.sh', import.meta.url))
const BOUND_MS = 15_000

export interface Peer extends AsyncDisposable {
  /** Starts an agent and opens its stream of events; `prompt` settles with the answer to it. */
  open(id: string): Promise<PeerSession>
  /** The stream of events of an agent that was started before. */
  listen(id: string): Promise<PeerStream>
  /** SIGKILL, then a new server in its place. */
  killAndRestart(): Promise<void>
  /** The status of a request for the events of an agent. */
  statusOf(id: string): Promise<number>
}

export interface PeerStream extends Disposable {
  /** Hears of each piece of the stream. */
  onData: ((text: string) => void) | undefined
}

export interface PeerSession extends PeerStream {
  prompt(): Promise<void>
}

export interface PeerOptions {
  readonly program: string
  /** Where its HOME shall be. */
  readonly folder: string
  /** The file that the agent prints at a prompt. */
  readonly lines: string
}

export async function openPeer({ program, folder, lines }: PeerOptions): Promise<Peer> {
  const home = join(folder, 'peer')
  const agents = join(home, '.local/share/sandbox-agent/bin/agent_processes')
  mkdirSync(agents, { recursive: true })
  copyFileSync(AGENT, join(agents, 'mock-acp'))
  chmodSync(join(agents, 'mock-acp'), 0o700)
  const port = await freePort()
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, LINES: lines }
  let server = await startServer(program, port, env)
  return {
    open: (id) => openSession(port, id),
    listen: (id) => openStream(port, id),
    async killAndRestart() {
      await end(server)
      server = await startServer(program, port, env)
    },
    statusOf: async (id) => {
      const answer = await send(port, `/v1/acp/${id}`, { accept: 'text/event-stream' })
      answer.destroy()
      return answer.statusCode ?? 0
    },
    [Symbol.asyncDispose]: () => end(server),
  }
}

/** Installs it where agents of the tests are. @throws Error when it cannot be. */
export async function peerProgram(): Promise<string> {
  const folder = await installed('sandbox-agent')
  const path = join(folder, `node_modules/@sandbox-agent/cli-${process.platform}-${process.arch}/bin/sandbox-agent`)
  chmodSync(path, 0o755)
  return path
}

async function startServer(program: string, port: number, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const args = ['server', '--port', String(port), '--no-token', '--no-telemetry']
  const server = spawn(program, args, { env, stdio: 'ignore' })
  for (let waited = 0; waited < BOUND_MS; waited += 20) {
    const answer = await send(port, '/v1/health', {}).catch(() => undefined)
    answer?.destroy()
    if (answer?.statusCode === 200) return server
    await sleep(20)
  }
  server.kill('SIGKILL')
  throw new Error('sandbox-agent does not serve.')
}

async function end(server: ChildProcess): Promise<void> {
  const ended = once(server, 'exit')
  server.kill('SIGKILL')
  await ended
}

async function openSession(port: number, id: string): Promise<PeerSession> {
  const path = `/v1/acp/${id}`
  const call = async (number: number, method: string, params: object): Promise<void> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: number, method, params })
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const answer = await send(port, `${path}?agent=mock`, headers, body)
    answer.resume()
    await once(answer, 'end')
    if (answer.statusCode !== 200) throw new Error(`sandbox-agent answered ${answer.statusCode} to ${method}.`)
  }
  await call(1, 'initialize', { protocolVersion: 1, clientCapabilities: {} })
  await call(2, 'session/new', { cwd: '/', mcpServers: [] })
  const stream = await openStream(port, id)
  const prompt = { sessionId: 'one', prompt: [{ type: 'text', text: 'Go.' }] }
  return Object.assign(stream, { prompt: () => call(3, 'session/prompt', prompt) })
}

async function openStream(port: number, id: string): Promise<PeerStream> {
  const answer = await send(port, `/v1/acp/${id}`, { accept: 'text/event-stream' })
  const stream: PeerStream = { onData: undefined, [Symbol.dispose]: () => answer.destroy() }
  answer.setEncoding('latin1').on('data', (text: string) => stream.onData?.(text))
  answer.on('error', () => {})
  return stream
}

async function send(
  port: number,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<IncomingMessage> {
  const sent = request({ host: '127.0.0.1', port, path, headers, method: body === undefined ? 'GET' : 'POST' })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
