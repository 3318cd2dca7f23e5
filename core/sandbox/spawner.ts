/**
 * Starts wrappers without forking the host, whose fork takes longer the more memory it has, all of it on the event
 * loop. One small shell is started for that and kept; it is the parent of all wrappers and takes their zombies.
 *
 * - S1 A start either answers with a wrapper that can be identified, or fails. What a failed one may have left is a
 *   wrapper with the marker of its folder; none comes later, for its report would not be taken (W5).
 * - S2 A shell that has ended is replaced by the next start. What it started is not touched.
 * - S3 The shell ends with this host; what it was still to start is not started (W5).
 *
 * Where the system lacks the tools for it (those of GNU have them), each wrapper is a child of the host. On macOS that
 * costs nothing: there a program is started without a fork.
 */
import { fail } from '../base/errors.ts'
import { within } from '../base/waiting.ts'
import type { ProcessFolder } from './process-folder.ts'
import { searchPath } from './program.ts'
import { Shell } from './shell.ts'
import {
  DEFAULT_SIGNALS,
  makePipe,
  quote,
  toWrapperCommand,
  type WrapperCommand,
  type WrapperRequest,
  type WrapperTools,
} from './wrapper.ts'

/** On a machine under load a start may take long. */
const ANSWER_BOUND_MS = 30_000
/** Tries the options that not every system has. */
const toProbe = (tag: string, { env, setsid }: Required<WrapperTools>): string =>
  `${quote(env)} ${DEFAULT_SIGNALS} ${quote(setsid)} /bin/sh -c : && echo ${tag} able || echo ${tag} unable\n`

export interface Launched extends WrapperCommand {
  /** Of the wrapper. */
  readonly pid: number
  readonly tools: WrapperTools
}

interface Opened {
  readonly tools: WrapperTools
  /** Absent where each wrapper is a child of the host. */
  readonly shell?: Shell
}

export class Spawner implements AsyncDisposable {
  readonly #path: string
  #opening: Promise<Opened> | undefined
  #closed = false

  /** Starts nothing before the first request. `path` is searched for the tools. */
  constructor(path = `/usr/bin:/bin:${process.env['PATH'] ?? ''}`) {
    this.#path = path
  }

  /** @throws whatever the system says against it */
  async start(request: WrapperRequest): Promise<Launched> {
    const { tools, shell } = await this.#open()
    const command = toWrapperCommand(request, tools)
    const answer = await (shell ? order(shell, command.text) : startAlone(command.text))
    const [word, status] = answer.split(' ')
    if (word === 'failed') throw new StartFailure(Number(status))
    return { ...command, tools, pid: Number(word) }
  }

  /** Makes the FIFO of a folder ahead. Where no shell is kept, or it cannot be made, the start makes it. */
  async makePipe(folder: ProcessFolder): Promise<void> {
    const { tools, shell } = await this.#open()
    shell?.tell(`${makePipe(folder, tools)}\n`)
  }

  /** To be called when a wrapper has ended: gives its process id back. */
  async reap(pid: number): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined)
    if (opened?.shell?.alive) opened.shell.tell(`wait ${pid}\n`)
  }

  /** What was started lives on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    await opened?.shell?.[Symbol.asyncDispose]()
  }

  async #open(): Promise<Opened> {
    const last = this.#opening
    const opened = await last?.catch(() => undefined)
    if (this.#closed) fail('ABORTED', 'No program is started any more: the host is shutting down.')
    if (opened && opened.shell?.alive !== false) return opened
    if (this.#opening === last) this.#opening = openShell(this.#path) // S2
    return this.#opening!
  }
}

/** The status with which the commands before the wrapper ended; their complaint is on the stderr of the program. */
export class StartFailure extends Error {
  constructor(status: number) {
    super(status === 126 ? 'its arguments and environment are too long for this system.' : `status ${status}.`)
  }
}

/** The shell lives on beside the wrapper. */
const order = (shell: Shell, text: string): Promise<string> => ask(shell, (tag) => `${toCompound(tag, text)} &\n`)

/** The shell becomes the wrapper. */
function startAlone(text: string): Promise<string> {
  const shell = new Shell()
  const answer = ask(shell, (tag) => `${toCompound(tag, text)}\n`)
  shell.close()
  return answer
}

async function ask(shell: Shell, toText: (tag: string) => string): Promise<string> {
  try {
    return await within(ANSWER_BOUND_MS, 'The start', shell.ask(toText))
  } catch (error) {
    shell.kill() // S1
    throw error
  }
}

/** Descriptor 5 takes the report: of the wrapper that the shell becomes, or that it has come to its end before. */
const toCompound = (tag: string, text: string): string =>
  `{ set -- ${tag}; exec 5>&1; trap 'echo "$1 failed $?" >&5' EXIT\n${text}\n}`

async function openShell(path: string): Promise<Opened> {
  const find = (name: string) =>
    searchPath(name, path) ?? fail('PROCESS_START', `The program ${name} is missing on this system. Install it.`)
  const tools = { env: find('env'), mkfifo: find('mkfifo') }
  const setsid = searchPath('setsid', path)
  if (setsid === undefined) return { tools }
  await using opened = new AsyncDisposableStack()
  const shell = opened.use(new Shell())
  const answer = await ask(shell, (tag) => toProbe(tag, { ...tools, setsid }))
  if (answer !== 'able') return { tools }
  opened.move()
  return { tools: { ...tools, setsid }, shell }
}
