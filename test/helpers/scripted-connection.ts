/** A `Connection` for tests of conversations without a program: what goes out is kept, and time passes when the test says so. */
import type { Ask, Connection, RunEnd, Session, SessionIo, Spoken } from '../../core/plugin/contract/index.ts'

export interface ScriptedOptions {
  readonly session: Session
  /** Of people, to one question after the other; then nobody answers. */
  readonly answers?: readonly string[]
  readonly committed?: () => Promise<void>
}

export class ScriptedConnection implements Connection {
  readonly session: Session
  readonly io: SessionIo
  readonly written: string[] = []
  readonly spoken: Spoken[] = []
  readonly asked: Ask[] = []
  isOpen = true
  isStopping = false
  /** What `end` was called with. */
  ended: RunEnd | undefined
  #bound: (() => void) | undefined

  constructor({ session, answers = [], committed = () => Promise.resolve() }: ScriptedOptions) {
    this.session = session
    this.io = {
      signal: new AbortController().signal,
      followUps: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
      spawn: () => Promise.reject(new Error('there is no program')),
      emit: () => Promise.resolve(),
      delta: () => {},
      ask: (question) => {
        const answer = answers[this.asked.push(question) - 1]
        return answer === undefined ? new Promise(() => {}) : Promise.resolve(answer)
      },
      checkpoint: () => {},
      committed,
      debug: () => {},
    }
  }

  /** What is waited for does not come. */
  expire(): void {
    const otherwise = this.#bound
    this.#bound = undefined
    otherwise?.()
  }

  write(line: string): Promise<void> {
    this.written.push(line)
    return Promise.resolve()
  }

  signal(): void {}

  say(spoken: Spoken): void {
    this.spoken.push(spoken)
  }

  remember(): void {}

  within(_ms: number, otherwise: () => void): void {
    this.#bound = otherwise
  }

  proceed(): void {
    this.#bound = undefined
  }

  stopAfter(): void {}

  end(end: RunEnd): void {
    this.isOpen = false
    this.ended = end
  }

  passOver(): void {}
}
