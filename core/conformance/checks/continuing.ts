/** A session whose host dies again and again, each time in the middle of a commit. */
import type { CheckedSession } from '../checked-session.ts'
import { type Verdict, failed, notShown, passed } from '../points.ts'
import { LAST_NUMBER } from '../scenes.ts'
import type { Trial } from '../trial.ts'
import type { Verdicts } from './misbehaviour.ts'

/** How many batches each host commits before it dies; the one after them lives on. */
const LIVES = [1, 2, 5]

export async function checkContinuing(trial: Trial): Promise<Verdicts> {
  const staging = await trial.stage('continue')
  if (!staging) return { continue: trial.unstaged('continue') }
  try {
    await using session = await trial.open('continue', staging)
    return { continue: await die(trial, session) }
  } finally {
    await staging[Symbol.asyncDispose]?.()
  }
}

async function die(trial: Trial, session: CheckedSession): Promise<Verdict> {
  for (const batches of LIVES) {
    await using host = await trial.options.lab.openHost()
    if (await session.run(host, batches)) return judge(trial, session)
    if (session.progress?.checkpoint === undefined) return notShown(NO_CHECKPOINT)
  }
  await session.run()
  return judge(trial, session)
}

const NO_CHECKPOINT = 'it has no checkpoint: a session is lost with its host, and its conversation resumed'

const judge = (trial: Trial, session: CheckedSession): Verdict =>
  trial.verdict(session, {
    provokes: true,
    judge: ({ texts }) => {
      const said = texts.join(' ').match(/\d+/g) ?? []
      const expected = Array.from({ length: LAST_NUMBER }, (_, index) => String(index + 1))
      if (said.join(' ') === expected.join(' ')) return passed
      return failed(`the agent said the numbers from 1 to ${LAST_NUMBER}, and the log has ${said.join(' ') || 'none'}`)
    },
  })
