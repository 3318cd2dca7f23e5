/** The suite: a plugin in its folder to a report. */
import { resolve } from 'node:path'
import type { PluginInfo, PluginIsolation } from '../contract/records.ts'
import { type FoundPlugin, type ReadyPlugin, findPlugins, identityOf } from '../plugin/loader.ts'
import { checkContinuing } from './checks/continuing.ts'
import { checkDetection, checkFound } from './checks/detection.ts'
import {
  type Verdicts,
  checkFailing,
  checkHang,
  checkMissing,
  checkNoise,
  checkOversize,
  checkStop,
} from './checks/misbehaviour.ts'
import {
  checkFailures,
  checkFollowUp,
  checkQuestion,
  checkResume,
  checkText,
  checkTool,
  checkUnknownEvent,
  checkWithdraw,
} from './checks/work.ts'
import { type Lab, openLab } from './lab.ts'
import { findChange, findStrays, readFiles } from './machine.ts'
import { POINTS, type Point, type PointId, type Report, failed, passed, toPoint, unless } from './points.ts'
import type { Stage } from './scenes.ts'
import { findClosingFlaw, findFlaw, findStartFlaw, findToolFlaw, firstFlaw } from './soundness.ts'
import { readStandIn } from './stand-in.ts'
import { Trial } from './trial.ts'

export interface CheckOptions {
  /** The folder of the plugin, with its package.json. */
  readonly folder: string
  /** Sets the scenes of an agent, instead of the stand-in that the manifest names. */
  readonly stage?: Stage
  /** How the plugin's code runs. Default: in a thread. */
  readonly isolation?: PluginIsolation
  /** Bytes of the longest line that a program prints. Default: 100 MB. */
  readonly longestLine?: number
  /** How long a session may go on after its program has ended. Default: 20 s. */
  readonly patienceMs?: number
  /** Called with each point as it is known. */
  readonly onPoint?: (point: Point) => void
}

const PATIENCE_MS = 20_000

/**
 * Checks a plugin in the real plugin host, with real processes, in a temporary folder. Never rejects for a fault of the plugin.
 *
 *     const { ok, points } = await checkPlugin({ folder: '.' })
 */
export async function checkPlugin(options: CheckOptions): Promise<Report> {
  const folder = resolve(options.folder)
  const [plugin] = await findPlugins({ bundled: '/nonexistent', paths: [folder] })
  const points: Point[] = []
  const add = (point: Point) => {
    points.push(point)
    options.onPoint?.(point)
  }
  if (plugin) await examine(plugin, { ...options, folder }, add)
  const { name, version } = plugin ? identityOf(plugin) : { name: '', version: '' }
  return { plugin: name, version, folder, ok: points.every(({ status }) => status !== 'failed'), points }
}

type Add = (point: Point) => void

async function examine(plugin: FoundPlugin, options: CheckOptions, add: Add): Promise<void> {
  add(toPoint('manifest', plugin.status === 'ready' ? passed : failed(plugin.error.message)))
  if (plugin.status !== 'ready') return
  await using lab = await openLab({ ...options, plugin: options.folder })
  const [loaded] = await lab.host.check()
  add(toPoint('load', unless(findLoadError(loaded))))
  if (loaded?.status !== 'ready') return
  for (const agent of Object.keys(plugin.manifest.troupe.agents)) {
    await examineAgent(agent, plugin, { lab, options, add })
  }
}

const findLoadError = (loaded: PluginInfo | undefined): string | undefined => loaded?.error?.message

interface Examination {
  readonly lab: Lab
  readonly options: CheckOptions
  readonly add: Add
}

async function examineAgent(agent: string, plugin: ReadyPlugin, { lab, options, add }: Examination): Promise<void> {
  const manifest = plugin.manifest.troupe.agents[agent]
  if (!manifest) return
  const stage = options.stage ?? (await readStandIn(manifest, { plugin: options.folder, lab, agent }))
  const trial = new Trial({ lab, agent, manifest, stage, patienceMs: options.patienceMs ?? PATIENCE_MS })
  const verdicts = { ...(await misbehave(trial)), ...(await playScenes(trial)) }
  const all: Verdicts = { ...verdicts, ...judgeAll(trial) }
  for (const id of POINT_IDS) {
    const verdict = all[id]
    if (verdict) add(toPoint(id, verdict, agent))
  }
}

const isPointId = (id: string): id is PointId => Object.hasOwn(POINTS, id)
const POINT_IDS = Object.keys(POINTS).filter(isPointId)

/** With programs that write nothing, whatever is written is the plugin's. */
async function misbehave(trial: Trial): Promise<Verdicts> {
  const { lab } = trial.options
  const folders = ['home', 'tmp'].map((name) => `${lab.folder}/${name}`)
  const files = await readFiles(folders)
  const first = await checkFailing(trial)
  const others = await together([checkDetection, checkMissing, checkNoise, checkOversize, checkStop], trial)
  const change = findChange(files, await readFiles(folders)) ?? trial.litter
  const strays = await findStrays(`TMPDIR=${lab.env['TMPDIR']}`)
  for (const pid of strays) process.kill(pid, 'SIGKILL')
  return {
    ...first,
    ...others,
    files: unless(change && `${change} was changed`),
    processes: unless(strays.length > 0 ? `${strays.length} processes were started in another way` : undefined),
  }
}

const SCENE_CHECKS = [
  checkFound,
  checkHang,
  checkTool,
  checkUnknownEvent,
  checkFailures,
  checkQuestion,
  checkWithdraw,
  checkFollowUp,
  checkResume,
  checkContinuing,
]

/** First of all the simplest: what is wrong with it is wrong with all. */
const playScenes = async (trial: Trial): Promise<Verdicts> => ({
  ...(await checkText(trial)),
  ...(await together(SCENE_CHECKS, trial)),
})

async function together(checks: readonly ((trial: Trial) => Promise<Verdicts>)[], trial: Trial): Promise<Verdicts> {
  const verdicts = await Promise.all(checks.map((check) => check(trial)))
  return Object.assign({}, ...verdicts)
}

/** What holds for all sessions. */
function judgeAll({ sessions }: Trial): Verdicts {
  const flawed = (kind: string) =>
    firstFlaw(sessions, (session) => {
      const flaw = findFlaw(session)
      return flaw?.kind === kind ? flaw.reason : undefined
    })
  const sound = sessions.filter((session) => !findFlaw(session))
  return {
    faults: unless(flawed('faults')),
    messages: unless(flawed('messages')),
    ends: unless(flawed('ends')),
    start: unless(firstFlaw(sound, findStartFlaw)),
    tools: unless(firstFlaw(sound, findToolFlaw)),
    closing: unless(firstFlaw(sound, findClosingFlaw)),
  }
}
