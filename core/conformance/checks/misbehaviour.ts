/** Programs that fail, flood, lie or never end, in place of the agent's own. */
import { DEFAULT_LIMITS } from '../../plugin/limits.ts'
import { sleep } from '../../base/waiting.ts'
import type { MessageBody } from '../../contract/messages.ts'
import type { CheckedSession } from '../checked-session.ts'
import { readCommandLines } from '../machine.ts'
import { type PointId, type Verdict, failed, notShown, passed, unless } from '../points.ts'
import { WORDS } from '../programs.ts'
import { ARGUMENT, type Trial } from '../trial.ts'

export type Verdicts = Partial<Readonly<Record<PointId, Verdict>>>

/** First of all: what is wrong with this session is wrong with all. */
export async function checkFailing(trial: Trial): Promise<Verdicts> {
  let settings: Verdict = notShown('it starts no program')
  const failing = await trial.misbehaving('failing', {
    judge: (session) => {
      settings = judgeSettings(trial, session)
      return judgeFailure(session)
    },
  })
  const killed = await trial.misbehaving('killed', { judge: judgeFailure })
  const silent = await trial.misbehaving('silent', { judge: () => passed })
  return { settings, failing: firstFailed([failing, killed, silent]) }
}

const firstFailed = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.find(({ status }) => status === 'failed') ?? verdicts[0] ?? passed

/** No program of a failed session shall look like success. */
export function judgeFailure({ outcome, scene }: CheckedSession): Verdict {
  const end = outcome?.kind === 'ended' ? outcome.end : undefined
  const succeeded = end?.kind === 'complete' && end.success
  return unless(succeeded ? `in the scene "${scene}" the session completes with success` : undefined)
}

function judgeSettings(trial: Trial, { commands }: CheckedSession): Verdict {
  const run = JSON.stringify(commands)
  if (!run.includes(trial.options.lab.programs.failing)) return failed('it does not run settings.program')
  return unless(run.includes(ARGUMENT) ? undefined : 'settings.args are not on its command line')
}

export const checkMissing = async (trial: Trial): Promise<Verdicts> => ({
  missing: await trial.misbehaving('missing', {
    judge: ({ outcome, commands }) => {
      if (commands.length === 0) return notShown('it starts no program')
      const end = outcome?.kind === 'ended' ? outcome.end : undefined
      const how = end?.kind === 'error' ? end.code : end?.kind
      return unless(how === 'AGENT_NOT_INSTALLED' ? undefined : `the session ends with ${how ?? 'nothing'}`)
    },
  }),
})

export async function checkNoise(trial: Trial): Promise<Verdicts> {
  let kept: Verdict = notShown('its session was broken')
  const noise = await trial.misbehaving('noise', {
    provokes: true,
    judge: (session) => {
      kept = judgeKept(session)
      return passed
    },
  })
  return { noise, kept }
}

function judgeKept({ messages }: CheckedSession): Verdict {
  const log = JSON.stringify(messages)
  const lost = [`${WORDS}, but no JSON`, `"type":"${WORDS}"`].find((line) => !log.includes(escaped(line)))
  return unless(lost === undefined ? undefined : `a line with ${JSON.stringify(lost)} is not in the log`)
}

/** As it stands within a string of JSON. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)

export const checkOversize = async (trial: Trial): Promise<Verdicts> => ({
  oversize: await trial.misbehaving('oversize', { provokes: true, judge: () => passed }),
})

/** Stops a session whose program does not want to end, and looks at the machine meanwhile. */
export async function checkStop(trial: Trial): Promise<Verdicts> {
  let secrets: Verdict = notShown('it starts no program')
  const timer = new StopWatch()
  const stop = await trial.misbehaving('hanging', {
    provokes: true,
    act: async (session) => {
      if (!(await session.until(() => session.commands.length > 0))) return
      await sleep(SETTLING_MS)
      secrets = await judgeSecrets(trial)
      timer.stop(session)
    },
    judge: (session) => timer.judge(session),
  })
  return { secrets, stop }
}

/** Stops a session in mid-work. */
export async function checkHang(trial: Trial): Promise<Verdicts> {
  const timer = new StopWatch()
  const stop = await trial.scene('hang', {
    act: async (session) => {
      if (await session.until(() => session.messages.some(isWork))) timer.stop(session)
    },
    judge: (session) => timer.judge(session),
  })
  return stop.status === 'failed' ? { stop } : {}
}

const isWork = ({ type }: MessageBody): boolean => type === 'text' || type === 'toolUse'

/** A plugin may start a program with another one around it. */
const SETTLING_MS = 300

class StopWatch {
  #begun = 0

  stop(session: CheckedSession): void {
    this.#begun = performance.now()
    session.stop()
  }

  judge({ outcome, scene, endedAt }: CheckedSession): Verdict {
    if (this.#begun === 0) return notShown('the session ended before it was asked to stop')
    const end = outcome?.kind === 'ended' ? outcome.end.kind : undefined
    const late = endedAt - this.#begun >= DEFAULT_LIMITS.stopMs
    if (late)
      return failed(`in the scene "${scene}" run has not returned ${DEFAULT_LIMITS.stopMs / 1000} s after io.signal`)
    return unless(
      end === 'stopped' ? undefined : `in the scene "${scene}" it returns "${end}" when it was asked to stop`,
    )
  }
}

async function judgeSecrets(trial: Trial): Promise<Verdict> {
  const secrets = Object.entries(trial.secrets)
  if (secrets.length === 0) return notShown('its manifest names no secret')
  const lines = await readCommandLines()
  const shown = secrets.find(([, value]) => lines.includes(value))
  return unless(shown ? `the value of ${shown[0]} is on a command line` : undefined)
}
