/** Looking for the program: missing, broken, there. */
import { join } from 'node:path'
import { toEnvelope } from '../../base/errors.ts'
import type { Detection } from '../../contract/records.ts'
import { makeDetectHost } from '../../plugin/detect-io.ts'
import { type Verdict, failed, passed, unless } from '../points.ts'
import type { Staging } from '../scenes.ts'
import type { Trial } from '../trial.ts'
import type { Verdicts } from './misbehaviour.ts'

/** A program that never ends shall not make the check as long as the host's patience. */
const RUN_MS = 500
/** As the host has it. */
const PROGRAM_MS = 10_000

export async function checkDetection(trial: Trial): Promise<Verdicts> {
  const [missing, broken] = await Promise.all([detectMissing(trial), detectBroken(trial)])
  return { 'detect-missing': missing, 'detect-broken': broken }
}

export const checkFound = async (trial: Trial): Promise<Verdicts> => ({ 'detect-found': await detectFound(trial) })

async function detectMissing(trial: Trial): Promise<Verdict> {
  const found = await detect(trial, { program: join(trial.options.lab.folder, 'programs', 'missing') })
  if (typeof found === 'string') return failed(found)
  if (found.installed && trial.options.manifest.program === undefined) return passed // It needs no program.
  if (found.installed) return failed('it says that the program is installed, and there is none')
  return unless(found.hint?.trim() ? undefined : 'it gives no hint: say how the program is installed')
}

async function detectBroken(trial: Trial): Promise<Verdict> {
  const { programs } = trial.options.lab
  for (const name of ['failing', 'noise', 'hanging'] as const) {
    const found = await detect(trial, { program: programs[name] })
    const reason = typeof found === 'string' ? found : findContradiction(found)
    if (reason !== undefined) return failed(`with a program that is ${name}: ${reason}`)
  }
  return passed
}

function findContradiction({ installed, version, hint }: Detection): string | undefined {
  if (version !== undefined) return `it gives the version ${JSON.stringify(version)}, which the program did not print`
  return installed || hint?.trim() ? undefined : 'it says that the program is not installed, without a hint'
}

async function detectFound(trial: Trial): Promise<Verdict> {
  const staging = await trial.stage('detect')
  if (!staging) return trial.unstaged('detect')
  try {
    const found = await detect(trial, staging, PROGRAM_MS)
    if (typeof found === 'string') return failed(found)
    return unless(found.installed ? undefined : `it says that it is not installed: ${found.hint ?? 'no hint'}`)
  } finally {
    await staging[Symbol.asyncDispose]?.()
  }
}

/** The detection, or what is wrong with it. */
async function detect(trial: Trial, { program, args = [], env }: Staging, runMs = RUN_MS): Promise<Detection | string> {
  const { lab, agent } = trial.options
  const host = makeDetectHost({
    env: { ...lab.env, TROUPE_SCENE: 'detect', ...env },
    hasSecret: () => Promise.resolve(false),
    runMs,
  })
  try {
    return await lab.host.detectOrThrow(agent, { program, args }, host)
  } catch (error) {
    return toEnvelope(error).message
  }
}
