/**
 * The questions that an agent asks by its question server: files in a folder of the session.
 *
 * Owns a watch on the folder, and what is open of it.
 *
 * F1 A question is asked under the key that its file gives it, so the next host asks the same one, and what was answered meanwhile
 *    settles it. It is withdrawn when its file is gone.
 * F2 The agent may put anything there. Few names are looked at and few files read at a time, none of them outside of the folder;
 *    what is no question is answered with an error.
 */
import { lstatSync, mkdirSync, opendirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Ask } from '../plugin/contract/io.ts'
import { firstIssue } from '../plugin/requests.ts'
import {
  answerPath,
  type FileAnswer,
  fileQuestion,
  type FileQuestion,
  questionIdIn,
  questionPath,
  readJson,
  writeWhole,
} from '../question-server/question-files.ts'
import type { FolderWatches } from '../sandbox/folder-watches.ts'
import { isShortage } from '../sandbox/shortage.ts'

export interface QuestionFolderParts {
  /** Of the session. Whoever works in it may replace it, so it is only trusted as long as it is where it was. */
  readonly folder: string
  readonly watches: FolderWatches
  readonly clock: Clock
  readonly logger: Logger
  /** Settles with the answer. @throws when the question is withdrawn or the session stops. */
  readonly ask: (question: Ask, withdraw: AbortSignal) => Promise<string>
}

type FileError = Extract<FileAnswer, { error: string }>

interface Taken {
  readonly withdraw: AbortController
  answer?: FileAnswer
}

/** An agent that writes there without end gets a look at most so often. */
const PAUSE_MS = 20
const MOST_TAKEN = 16
const MOST_NAMES = 256

export class QuestionFolder implements Disposable {
  readonly path: string
  readonly #parts: QuestionFolderParts
  /** Those whose file is there, also when they are answered. */
  readonly #taken = new Map<string, Taken>()
  #watch: Disposable | undefined
  #nextLook: Disposable | undefined

  constructor(parts: QuestionFolderParts) {
    this.path = join(parts.folder, 'questions')
    this.#parts = parts
  }

  /** Takes up what is there, and what will come. */
  open(): void {
    this.#make()
    this.#watch = this.#parts.watches.watch(this.path, (file) => {
      if (file === undefined) this.#deliverAgain()
      this.#lookSoon()
    })
    this.#lookSoon()
  }

  /** Questions that are open stay open: they are the session's. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
    this.#nextLook?.[Symbol.dispose]()
    this.#watch = undefined
  }

  /** Of a session that goes on, the agent may have put something in its place: then there are no questions until that is gone. */
  #make(): void {
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 })
    } catch (error) {
      if (!exists(this.path)) throw error
    }
  }

  #lookSoon(): void {
    this.#nextLook ??= this.#parts.clock.after(PAUSE_MS, () => {
      this.#nextLook = undefined
      if (this.#watch) this.#tryLook()
    })
  }

  /** The agent may have made the folder something else, or the system is short of descriptors: the next look tells. */
  #tryLook(): void {
    try {
      this.#look()
    } catch (error) {
      this.#parts.logger.debug({ err: error, path: this.path }, 'The questions of an agent cannot be looked at now.')
    }
  }

  #look(): void {
    if (!this.#isInPlace()) return
    for (const [id, { withdraw }] of this.#taken) {
      if (exists(questionPath(this.path, id))) continue
      this.#taken.delete(id)
      withdraw.abort()
    }
    for (const name of someNames(this.path)) {
      const id = questionIdIn(name)
      if (id === undefined || this.#taken.has(id) || this.#taken.size >= MOST_TAKEN) continue
      const question = exists(answerPath(this.path, id)) ? undefined : readQuestion(questionPath(this.path, id))
      if (question) void this.#take(id, question)
    }
  }

  async #take(id: string, question: FileQuestion | FileError): Promise<void> {
    const taken: Taken = { withdraw: new AbortController() }
    this.#taken.set(id, taken)
    taken.answer = 'error' in question ? question : await this.#ask(id, question, taken.withdraw.signal)
    if (this.#taken.get(id) === taken) this.#deliver(id, taken.answer)
  }

  async #ask(id: string, question: FileQuestion, withdraw: AbortSignal): Promise<FileAnswer> {
    try {
      return { answer: await this.#parts.ask({ key: `file/${id}`, kind: 'question', ...question }, withdraw) }
    } catch (error) {
      return toError(error)
    }
  }

  /** For what a full disk did not take. */
  #deliverAgain(): void {
    for (const [id, { answer }] of this.#taken) if (answer) this.#deliver(id, answer)
  }

  /** The folder is there, and no link to another one is in its place. */
  #isInPlace(): boolean {
    const root = realPath(dirname(this.#parts.folder))
    return root !== undefined && realPath(this.path) === join(root, basename(this.#parts.folder), basename(this.path))
  }

  #deliver(id: string, answer: FileAnswer): void {
    const path = answerPath(this.path, id)
    try {
      if (this.#watch && this.#isInPlace() && !exists(path)) writeWhole(path, answer)
    } catch (error) {
      this.#parts.logger.warn({ err: error, path }, 'An answer could not be written for the agent; it is tried again.')
    }
  }
}

/** Nothing when the folder is gone. */
function realPath(folder: string): string | undefined {
  try {
    return realpathSync.native(folder)
  } catch {
    return undefined
  }
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

function someNames(folder: string): string[] {
  using entries = opendirSync(folder)
  const names: string[] = []
  for (let entry = entries.readSync(); entry && names.length < MOST_NAMES; entry = entries.readSync()) {
    names.push(entry.name)
  }
  return names
}

/** Nothing when it is not there any more, or cannot be read now. */
function readQuestion(path: string): FileQuestion | FileError | undefined {
  try {
    const checked = fileQuestion.safeParse(readJson(path))
    return checked.success ? checked.data : { error: `The question is not allowed: ${firstIssue(checked.error)}.` }
  } catch (error) {
    return exists(path) && !isShortage(error) ? toError(error) : undefined
  }
}

const toError = (error: unknown): FileError => ({ error: error instanceof Error ? error.message : String(error) })
