/** What a runner must know of a session to begin it, or to go on with it; read from its rows. */
import { fail } from '../base/errors.ts'
import type { AgentSession } from '../contract/records.ts'
import { getProgress } from '../store/progress.ts'
import { listQuestions } from '../store/questions.ts'
import { getSessionStart } from '../store/sessions.ts'
import type { Tx } from '../store/tx.ts'
import { readPlace } from './places.ts'
import type { SessionSpec } from './ports.ts'

/** @throws TroupeError NOT_FOUND when something that it needs is gone. */
export async function readSpec(tx: Tx, session: AgentSession): Promise<SessionSpec> {
  const { id: sessionId, agent, model, permissionMode, sandbox, lastSeq, startedAt, status } = session
  const start = (await getSessionStart(tx, sessionId)) ?? fail('NOT_FOUND', `There is no session ${sessionId}.`)
  return {
    sessionId,
    agent,
    model,
    permissionMode,
    sandbox,
    lastSeq,
    place: await readPlace(tx, session.unitTaskId),
    prompt: start.prompt,
    resume: start.resumeOf,
    startedAt: startedAt === undefined ? undefined : Date.parse(startedAt),
    stopping: status === 'stopping',
    progress: await getProgress(tx, sessionId),
    questions: await listQuestions(tx, { sessionId }),
  }
}
