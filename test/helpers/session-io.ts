/**
 * A `SessionIo` over real child processes, for tests of plugins without a host.
 * Owns the processes that a plugin starts; disposing ends them with everything that they started.
 */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { TroupeError } from '../../core/base/errors.ts'
import { messageBody } from '../../core/contract/messages.ts'
import type {
  AgentMessage,
  AgentProcess,
  Ask,
  Command,
  Exit,
  FollowUp,
  OutputLine,
  SessionIo,
} from '../../core/plugin/contract/index.ts'
import { sleep, within } from '../../core/base/waiting.ts'
import { Channel } from './channel.ts'

export interface SessionIoOptions {
  readonly workDir: string
  /** The whole environment of the session. */
  readonly env: Readonly<Record<string, string>>
  /** Answers questions; default: nobody does. */
  readonly answer?: (ask: Ask) => string | Promise<string>
}

export interface Asked extends Ask {
  withdrawn: boolean
}

export interface TestSession extends AsyncDisposable {
  readonly io: SessionIo
  readonly messages: readonly AgentMessage[]
  readonly deltas: readonly { readonly type: 'text' | 'thinking'; readonly content: string }[]
  readonly asked: readonly Asked[]
  readonly commands: readonly Command[]
  /** Every line that a process printed. */
  readonly lines: readonly OutputLine[]
  /** A person says something in mid-session. */
  say(content: string): void
  /** The session shall stop. */
  stop(): void
  /** Ends the programs from outside, at once. */
  kill(): void
  /** Settles when such a message has come. */
  heard(holds: (message: AgentMessage) => boolean): Promise<AgentMessage>
  /** Process numbers of all that the session's programs started and that are alive. */
  descendants(): number[]
}

const WAIT_MS = 60_000

export function openSession(options: SessionIoOptions): TestSession {
  const stopping = new AbortController()
  const followUps = new Channel<FollowUp>()
  const children: ChildProcessWithoutNullStreams[] = []
  const record = { messages: [] as AgentMessage[], lines: [] as OutputLine[], commands: [] as Command[] }
  const [deltas, asked]: [{ type: 'text' | 'thinking'; content: string }[], Asked[]] = [[], []]
  const listeners = new Set<(message: AgentMessage) => void>()

  const io: SessionIo = {
    signal: stopping.signal,
    followUps,
    spawn: async (command) => {
      record.commands.push(command)
      const child = await startChild(command, options)
      children.push(child)
      return toAgentProcess(child, record.lines)
    },
    emit: async (message) => {
      messageBody.parse(message)
      record.messages.push(message)
      for (const listener of listeners) listener(message)
    },
    delta: (type, content) => void deltas.push({ type, content }),
    ask: (question, withdraw) => {
      const entry = { ...question, withdrawn: false }
      asked.push(entry)
      return answered(entry, options, [stopping.signal, ...(withdraw ? [withdraw] : [])])
    },
    checkpoint: () => {},
    committed: () => Promise.resolve(),
    debug: () => {},
  }

  const stop = () => {
    stopping.abort()
    followUps.close()
  }
  return {
    ...record,
    io,
    deltas,
    asked,
    stop,
    say: (content) => followUps.push({ id: crypto.randomUUID(), content }),
    kill: () => {
      for (const child of children) child.kill('SIGKILL')
    },
    heard: (holds) => {
      const found = record.messages.find(holds)
      if (found) return Promise.resolve(found)
      const { promise, resolve } = Promise.withResolvers<AgentMessage>()
      listeners.add((message) => holds(message) && resolve(message))
      return within(WAIT_MS, 'Waiting for a message', promise)
    },
    descendants: () => children.flatMap(({ pid }) => descendantsOf(pid ?? -1)),
    [Symbol.asyncDispose]: async () => {
      stop()
      await Promise.all(children.map(endTree))
    },
  }
}

/** @throws TroupeError PROCESS_START, as the host does. */
async function startChild(command: Command, { env, workDir }: SessionIoOptions) {
  const child = spawn(command.program, [...command.args], {
    cwd: command.cwd ?? workDir,
    env: { ...env, ...command.env },
    detached: true,
  })
  child.stdin.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new TroupeError('PROCESS_START', error.message)))
  })
  if (command.stdin !== 'live') child.stdin.end(command.stdin === 'none' ? '' : command.stdin?.content)
  return child
}

function toAgentProcess(child: ChildProcessWithoutNullStreams, record: OutputLine[]): AgentProcess {
  const lines = new Channel<OutputLine>()
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      lines.close()
      resolve({ code, ...(signal !== null && { signal }) })
    })
  })
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[stream] }).on('line', (text) => {
      record.push({ stream, text })
      lines.push({ stream, text })
    })
  }
  return {
    lines,
    batches: single(lines),
    exited,
    write: (text) =>
      new Promise((resolve, reject) => {
        child.stdin.write(text, (error) => (error ? reject(error) : resolve()))
      }),
    signal: async (name) => void child.kill(name),
    stop: async () => {
      await endTree(child)
      return exited
    },
  }
}

async function* single<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  for await (const item of items) yield [item]
}

function answered(asked: Asked, { answer }: SessionIoOptions, ends: readonly AbortSignal[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const end = AbortSignal.any([...ends])
  const withdraw = () => {
    asked.withdrawn = true
    reject(new Error('The question was withdrawn.'))
  }
  if (end.aborted) withdraw()
  end.addEventListener('abort', withdraw, { once: true })
  if (answer) Promise.resolve(answer(asked)).then(resolve, reject)
  return promise
}

/** Collected before anything is ended: a child of a dead parent cannot be found by it any more. */
async function endTree(child: ChildProcessWithoutNullStreams): Promise<void> {
  const tree =
    child.exitCode === null && child.signalCode === null ? [child.pid ?? -1, ...descendantsOf(child.pid ?? -1)] : []
  for (const pid of tree) kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 20 && tree.some((pid) => kill(pid, 0)); tries++) await sleep(25)
  for (const pid of tree) kill(pid, 'SIGKILL')
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid > 1 && process.kill(pid, signal)
  } catch {
    return false
  }
}

function descendantsOf(root: number): number[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  const childrenOf = (parent: number): number[] =>
    pairs.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid, ...childrenOf(pid)] : []))
  return childrenOf(root)
}
