/**
 * One `/bin/sh` that runs what it is sent on its stdin. Owns the child process.
 *
 * - Nothing is run of a text that did not arrive whole: the shell parses a compound command to its end first.
 * - It ends at the end of its stdin, so it does not outlive this host; what it started does.
 * - Every question is settled: by its answer, or by the end of the shell.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { sleep } from '../base/waiting.ts'

const CLOSE_BOUND_MS = 2_000
/** What the host inherited itself, a lock of the script that started it for example, must not outlive it. */
const CLOSE_STRAY = 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n'

export class Shell implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #questions = new Map<string, PromiseWithResolvers<string>>()
  #alive = true
  #rest = ''
  #tag = 0

  /** A leader of its own session, without a terminal or an environment, in no folder. */
  constructor() {
    this.#child = spawn('/bin/sh', ['-s', 'troupe-spawner'], {
      env: {},
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#ended = new Promise((resolve) => {
      const end = (reason: unknown) => resolve(this.#end(reason))
      this.#child.once('error', end).once('exit', () => end(ended()))
    })
    this.#child.stdin?.on('error', () => {}) // a broken pipe: the end of the shell says it too
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#unref()
    this.tell(CLOSE_STRAY)
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Runs the commands that `toText` makes for a tag, and answers the words after it in the line that they print. */
  ask(toText: (tag: string) => string): Promise<string> {
    if (!this.#alive) return Promise.reject(ended())
    const tag = String(this.#tag++)
    const question = Promise.withResolvers<string>()
    this.#questions.set(tag, question)
    this.tell(toText(tag))
    return question.promise
  }

  tell(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** At once: no answer is taken any more, and who still writes one is told so. */
  kill(): void {
    this.#child.kill('SIGKILL')
    this.#child.stdout?.destroy()
  }

  /** No more texts: it ends when it has run those before. */
  close(): void {
    this.#child.stdin?.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    const late = new AbortController()
    const bound = sleep(CLOSE_BOUND_MS, late.signal).then(
      () => this.kill(),
      () => {},
    )
    await this.#ended
    late.abort()
    await bound
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const [tag = '', ...words] = line.split(' ')
      this.#questions.get(tag)?.resolve(words.join(' '))
      this.#questions.delete(tag)
    }
  }

  #end(reason: unknown): void {
    this.#alive = false
    this.#child.stdout?.destroy()
    for (const question of this.#questions.values()) question.reject(reason)
    this.#questions.clear()
  }

  /** A shell that waits for work keeps no host alive. */
  #unref(): void {
    this.#child.unref()
    for (const stream of [this.#child.stdin, this.#child.stdout]) if (stream instanceof Socket) stream.unref()
  }
}

const ended = (): Error => new Error('The shell that starts programs has ended.')
