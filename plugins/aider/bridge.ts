/**
 * A program of its own, around Aider, which speaks to a terminal: it asks with a line that has no end, and says in words for
 * people how it went. This makes lines of JSON of it. Owns Aider's process.
 *
 * Out: `{"text"}`, lines that it printed; `{"prompt", "question", "text"}`, it waits for the answer to its n-th
 *      question, which comes after these lines; `{"withdrawn"}`, it
 *      waits no more, for it has one or went on; `{"report"}`, an entry of the record that it keeps of itself, all of them when it has ended;
 *      `{"missing"}`, there is no conversation to resume.
 * In:  `{"prompt", "answer"}`.
 *
 * B1 A question has the form of Aider's own, is the last that was printed for a while, and Aider reads its input. What a model
 *    says cannot pass for one: Aider does not stream here, and ends each reply with a line end. What a command prints cannot either:
 *    Aider reads the command's output then. (Seen on Linux; elsewhere nobody can tell what it reads.)
 * B2 An answer is passed on once, and only while its question is the last that was printed. So it is never taken for the answer to
 *    another one, and whoever continues a session may send again what may not have arrived.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** The one argument of this program, as JSON. */
export interface BridgeTask {
  readonly program: string
  readonly args: readonly string[]
  /** Names the conversation among those in the user's home. */
  readonly conversation: string
  /** It was begun earlier. */
  readonly resume: boolean
  /** Where Aider shall keep its record of itself. */
  readonly reports: string
}

const ANSWERS = /\(Y\)es\/\(N\)o(?:\/[^[\]\n]*)? \[[^\]\n]*\]: /g
const QUESTION = new RegExp(`${ANSWERS.source}$`)
/** `read` of descriptor 0, as /proc says it: the number of the call on x64 or arm64, and its first argument. */
const READS_INPUT = /^(?:0|63) 0x0 /
/** A line that is being printed is whole after this long. */
const QUIET_MS = 300
const MOST_CHARACTERS = 256 * 1024

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

class Bridge {
  readonly #task: BridgeTask
  readonly #aider: ChildProcessByStdio<Writable, Readable, null>
  /** What was printed and not passed on yet. */
  #printed = ''
  #prompts = 0
  /** The question that is the last that was printed. */
  #open: number | undefined
  #ended = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(task: BridgeTask, history: string) {
    this.#task = task
    const files = [`--chat-history-file=${history}`, `--analytics-log=${task.reports}`]
    const args = [...files, ...(task.resume ? ['--restore-chat-history'] : []), ...task.args]
    this.#aider = spawn(task.program, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#aider.stdin.on('error', () => {}) // It has ended.
    this.#aider.stdout.once('data', () => protect(history))
    this.#aider.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#aider.once('error', (error) => this.#end(127, error.message)) // As a shell says that there is no such program.
    this.#aider.once('close', (code, signal) => this.#end(code ?? (signal === null ? 1 : 128)))
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => this.#signal(name))
  }

  take({ prompt, answer }: { prompt?: unknown; answer?: unknown }): void {
    if (prompt !== this.#open) return // B2
    this.#withdraw()
    this.#aider.stdin.write(`${String(answer)}\n`)
  }

  /** For its commands too, as from a terminal: it does not end them itself. */
  #signal(name: 'SIGINT' | 'SIGTERM'): void {
    try {
      if (this.#aider.pid !== undefined) process.kill(-this.#aider.pid, name)
    } catch {
      // All of them have ended.
    }
  }

  #withdraw(): void {
    if (this.#open !== undefined) say({ withdrawn: this.#open })
    this.#open = undefined
  }

  #hear(text: string): void {
    this.#withdraw()
    this.#printed += text
    clearTimeout(this.#timer)
    if (this.#printed.length > MOST_CHARACTERS) this.#pass()
    this.#lookAgain()
  }

  #pass(): void {
    const end = this.#printed.lastIndexOf('\n') + 1
    const [lines, last] = [this.#printed.slice(0, Math.max(0, end - 1)), this.#printed.slice(end)]
    if (last.length > MOST_CHARACTERS) return this.#passAll()
    if (QUESTION.test(last)) return this.#isReading() ? this.#ask(lines, last) : this.#lookAgain() // B1
    this.#printed = last
    if (end > 0) say({ text: lines })
  }

  #lookAgain(): void {
    this.#timer = setTimeout(() => this.#pass(), QUIET_MS)
  }

  #isReading(): boolean {
    try {
      return READS_INPUT.test(readFileSync(`/proc/${this.#aider.pid}/syscall`, 'utf8'))
    } catch {
      return true
    }
  }

  /** A command may have left something that looks like a question before it on its line. */
  #ask(lines: string, last: string): void {
    const before = [...last.slice(0, -1).matchAll(ANSWERS)].at(-1)
    const begin = before ? before.index + before[0].length : 0
    this.#printed = ''
    const text = begin === 0 ? lines : `${lines}\n${last.slice(0, begin)}`
    say({ prompt: (this.#open = ++this.#prompts), question: last.slice(begin), text })
  }

  /** A line that is longer than any question is passed on in pieces. */
  #passAll(): void {
    if (this.#printed !== '') say({ text: this.#printed })
    this.#printed = ''
  }

  #end(code: number, reason?: string): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#passAll()
    if (reason !== undefined) process.stderr.write(`${reason}\n`)
    for (const line of readLines(this.#task.reports)) say({ report: line })
    process.exitCode = code
    process.stdin.destroy()
  }
}

/** Aider made the folder of its conversations before it printed anything: nobody else shall read them. */
function protect(history: string): void {
  if (existsSync(history)) chmodSync(dirname(history), 0o700)
}

function readLines(path: string): unknown[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

function start(task: BridgeTask): void {
  const history = join(homedir(), '.aider', 'troupe', `${task.conversation}.md`)
  if (task.resume && !existsSync(history)) return say({ missing: true })
  const bridge = new Bridge(task, history)
  createInterface({ input: process.stdin }).on('line', (line) => bridge.take(JSON.parse(line)))
}

const [task] = process.argv.slice(2)
if (import.meta.main && task !== undefined) start(JSON.parse(task))
