/** What an agent says, does and asks, played by a stand-in for its program. */
import type { CheckedSession } from '../checked-session.ts'
import { failed, notShown, passed, unless } from '../points.ts'
import type { Trial } from '../trial.ts'
import { type Verdicts, judgeFailure } from './misbehaviour.ts'

const ANSWER = 'Persimmon'

export const checkText = async (trial: Trial): Promise<Verdicts> => ({
  text: await trial.scene('text', { judge: (session) => unless(findSilence(session) ?? findNoStart(session)) }),
})

const findSilence = (session: CheckedSession): string | undefined =>
  findNoSuccess(session) ?? (session.texts.join('').trim() ? undefined : 'what the agent said is not in the log')

function findNoSuccess({ outcome }: CheckedSession): string | undefined {
  const end = outcome?.kind === 'ended' ? outcome.end : undefined
  if (end?.kind === 'complete' && end.success) return undefined
  return `the session ends with ${JSON.stringify(end)}`
}

function findNoStart({ messages, workDir, agent }: CheckedSession): string | undefined {
  const start = messages.find(({ type }) => type === 'start')
  if (start?.type !== 'start') return 'there is no start'
  if (start.agent !== agent) return `start names the agent ${JSON.stringify(start.agent)}, and it is ${agent}`
  return start.workDir === workDir ? undefined : `start names the folder ${start.workDir}, and it is ${workDir}`
}

export const checkTool = async (trial: Trial): Promise<Verdicts> => ({
  tool: await trial.scene('tool', {
    judge: (session) => {
      const used = session.messages.some(({ type }) => type === 'toolUse')
      return unless(findNoSuccess(session) ?? (used ? undefined : 'the tool is not in the log'))
    },
  }),
})

export const checkUnknownEvent = async (trial: Trial): Promise<Verdicts> => ({
  'unknown-event': await trial.scene('unknown-event', {
    provokes: true,
    judge: (session) => unless(findSilence(session)),
  }),
})

export async function checkFailures(trial: Trial): Promise<Verdicts> {
  const failure = await trial.scene('failure', { judge: judgeFailure })
  const crash = await trial.scene('crash', { judge: judgeFailure })
  const quota = await trial.scene('quota', {
    judge: ({ outcome }) => {
      const end = outcome?.kind === 'ended' ? outcome.end : undefined
      if (end?.kind !== 'error' || end.code !== 'AGENT_QUOTA')
        return failed(`the session ends with ${JSON.stringify(end)}`)
      return passed
    },
  })
  return { failure, quota, ...(crash.status === 'failed' && { failing: crash }) }
}

export const checkQuestion = async (trial: Trial): Promise<Verdicts> => ({
  question: await trial.scene('question', {
    answer: ({ options }) => options?.[0]?.label ?? ANSWER,
    judge: (session) => {
      const [asked] = session.asked
      if (!asked) return failed('nobody was asked')
      if (!asked.question.trim()) return failed('the question is empty')
      const answer = asked.options?.[0]?.label ?? ANSWER
      const heard = session.texts.join('').includes(answer)
      return unless(
        findNoSuccess(session) ?? (heard ? undefined : `the answer ${JSON.stringify(answer)} did not arrive`),
      )
    },
  }),
})

export const checkWithdraw = async (trial: Trial): Promise<Verdicts> => ({
  withdraw: await trial.scene('withdraw', {
    judge: (session) => {
      if (session.asked.length === 0) return failed('nobody was asked')
      const open = session.openAtLastText > 0 ? 'the question is still open after it was taken back' : undefined
      return unless(findNoSuccess(session) ?? open)
    },
  }),
})

export const checkFollowUp = async (trial: Trial): Promise<Verdicts> => ({
  'follow-up': await trial.scene('follow-up', {
    act: async (session) => {
      if (await session.until(() => session.texts.length > 0)) session.say(`Please think of a ${ANSWER}.`)
    },
    judge: (session) => {
      const heard = session.texts.join('').includes(ANSWER)
      return unless(findNoSuccess(session) ?? (heard ? undefined : 'the message did not arrive'))
    },
  }),
})

/** With the conversation that the scene "text" was. */
export async function checkResume(trial: Trial): Promise<Verdicts> {
  const earlier = trial.sessions.find(({ scene }) => scene === 'text')
  if (!earlier) return { resume: trial.unstaged('text') }
  const { messages, texts, workDir } = earlier
  const id = messages.flatMap((message) => (message.type === 'start' ? [message.agentSessionId] : []))[0]
  if (id === undefined) return { resume: notShown('start names no conversation (agentSessionId)') }
  const evidence = [id, texts.join('').trim()].filter((text) => text !== '')
  const resume = await trial.scene('resume', {
    resume: { agentSessionId: id, workDir },
    judge: (session) => {
      const heard = evidence.some((text) => session.texts.join('').includes(text))
      return unless(findNoSuccess(session) ?? (heard ? undefined : `the program was not told the conversation ${id}`))
    },
  })
  return { resume }
}
