/**
 * The words that messages, reports and stored progress are made of. Everybody knows them, so a value that is one, or a part
 * of one, is no secret; to mask it would leave JSON that nobody can read.
 */
import type { ErrorCode } from '../base/errors.ts'
import {
  type MessageBody,
  type QuestionKind,
  type QuestionOption,
  type Usage,
  messageBody,
} from '../contract/messages.ts'
import { wordsOf } from '../contract/words.ts'
import type { SessionReport } from '../engine/ports.ts'
import type { StoredProgress } from './stored-progress.ts'

type Named<Key> = Key extends string ? (string extends Key ? never : Key) : never
type Keys<T> = T extends unknown ? Named<keyof T> : never

/** Names of fields, and texts that are the only ones or among the few that may stand somewhere. */
type WordsOf<T> = T extends string
  ? Named<T>
  : T extends readonly (infer Item)[]
    ? WordsOf<Item>
    : T extends object
      ? Keys<T> | { [Key in keyof T]-?: WordsOf<T[Key]> }[keyof T]
      : never

/** Has JSON in some fields, so their words alone are asked for. */
type InMessages = Keys<MessageBody> | MessageBody['type'] | WordsOf<Usage | QuestionOption | QuestionKind | ErrorCode>

/** Those of messages come from their schema. These have only types; the compiler says which they are. */
const REPORTED: Readonly<Record<Exclude<WordsOf<StoredProgress | SessionReport>, InMessages>, true>> = {
  abandoned: true,
  asked: true,
  baseCommit: true,
  checkpoint: true,
  completed: true,
  details: true,
  endCommit: true,
  ended: true,
  failed: true,
  followUps: true,
  id: true,
  lost: true,
  offsets: true,
  outcome: true,
  plugin: true,
  prepared: true,
  preparing: true,
  report: true,
  reports: true,
  started: true,
  stderr: true,
  stdout: true,
  stopped: true,
  taken: true,
  unheard: true,
  withdrawn: true,
  worktreePath: true,
}

let known: readonly string[] | undefined

/** Made when a value is first found that could be one: most hosts have none. */
const words = () => (known ??= [...wordsOf(messageBody), ...Object.keys(REPORTED)])

/** Nearly each secret has a digit, and no word has one. */
const LETTERS = /^[A-Za-z_]+$/

export const isOwnWord = (value: string): boolean => LETTERS.test(value) && words().some((word) => word.includes(value))
