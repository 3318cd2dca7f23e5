/** The asking side of the question files: one question, until it is answered or nobody wants to know any more. */
import { randomUUID } from 'node:crypto'
import { existsSync, type FSWatcher, rmSync, watch } from 'node:fs'
import { TroupeError } from '../base/errors.ts'
import {
  answerPath,
  type FileAnswer,
  fileAnswer,
  type FileQuestion,
  questionPath,
  readJson,
  writeWhole,
} from './question-files.ts'

/** A watcher may lose events, and some file systems have none. */
const POLL_MS = 2_000

/**
 * Settles when the host has answered, which may be days later and another host.
 * @throws TroupeError ABORTED when the signal aborts, or the session and with it the folder is gone.
 */
export async function askByFile(folder: string, asked: FileQuestion, signal: AbortSignal): Promise<FileAnswer> {
  const id = randomUUID()
  writeWhole(questionPath(folder, id), asked)
  try {
    return await untilAnswered(folder, id, signal)
  } finally {
    // In this order: an answer without its question is nobody's, a question without an answer would be asked again.
    rmSync(questionPath(folder, id), { force: true })
    rmSync(answerPath(folder, id), { force: true })
  }
}

async function untilAnswered(folder: string, id: string, signal: AbortSignal): Promise<FileAnswer> {
  const answered = Promise.withResolvers<FileAnswer>()
  const look = () => {
    try {
      const answer = readAnswer(folder, id)
      if (answer) answered.resolve(answer)
    } catch (error) {
      answered.reject(error)
    }
  }
  const giveUp = () => answered.reject(new TroupeError('ABORTED', 'The agent no longer wants to know.'))
  const watcher = openWatcher(folder, look)
  const poll = setInterval(look, POLL_MS)
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  look()
  try {
    return await answered.promise
  } finally {
    signal.removeEventListener('abort', giveUp)
    clearInterval(poll)
    watcher?.close()
  }
}

function readAnswer(folder: string, id: string): FileAnswer | undefined {
  if (existsSync(answerPath(folder, id))) return fileAnswer.parse(readJson(answerPath(folder, id)))
  if (existsSync(questionPath(folder, id))) return undefined
  throw new TroupeError('ABORTED', 'The session is over, so nobody will answer.')
}

function openWatcher(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, onChange).on('error', () => {})
  } catch {
    return undefined
  }
}
