/** The question server for tests of plugins without a host: what is asked by it goes to the test's `ask`, as to people. */
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { QuestionServer, SessionIo } from '../../core/plugin/contract/index.ts'
import { toQuestionServer } from '../../core/question-server/question-server.ts'
import { QuestionFolder } from '../../core/runner/question-folder.ts'
import { FolderWatches } from '../../core/sandbox/folder-watches.ts'

export interface OfferedQuestions extends Disposable {
  /** For `Session.questionServer`. */
  readonly questionServer: QuestionServer
}

/** @param folder Of the session; the questions get one below it. */
export function offerQuestions(folder: string, { ask }: Pick<SessionIo, 'ask'>): OfferedQuestions {
  const watches = new FolderWatches(systemClock)
  const questions = new QuestionFolder({ folder, watches, ask, clock: systemClock, logger: silentLogger })
  questions.open()
  return { questionServer: toQuestionServer(questions.path), [Symbol.dispose]: () => questions[Symbol.dispose]() }
}
