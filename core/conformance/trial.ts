/**
 * The sessions that one agent is checked with, and what holds for all of them.
 *
 * T1 Whatever is wrong with every session is said once: by the point for it. A session that is broken in such a way shows nothing
 *    about the point that it was played for.
 */
import { join } from 'node:path'
import type { AgentSettings, Session } from '../plugin/contract/agent.ts'
import type { Ask } from '../plugin/contract/io.ts'
import type { AgentManifest } from '../plugin/manifest.ts'
import { CheckedSession } from './checked-session.ts'
import { type Lab, logger } from './lab.ts'
import { findChange, readFiles } from './machine.ts'
import { type Verdict, failed, notShown } from './points.ts'
import type { ProgramName } from './programs.ts'
import type { SceneName, Stage, Staging } from './scenes.ts'
import { type Flaw, findFlaw } from './soundness.ts'

export interface TrialOptions {
  readonly lab: Lab
  readonly agent: string
  readonly manifest: AgentManifest
  /** Absent when there is no stand-in for the program. */
  readonly stage: Stage | undefined
  readonly patienceMs: number
}

export interface Play {
  /** Does something while the session runs. */
  readonly act?: (session: CheckedSession) => Promise<void>
  /** Of a session that is sound. */
  readonly judge: (session: CheckedSession) => Verdict
  /** A session that is not sound fails the point itself: its program provokes just that. */
  readonly provokes?: true
  readonly answer?: (ask: Ask) => string
  /** In the worktree where it was held. */
  readonly resume?: { readonly agentSessionId: string; readonly workDir: string }
}

/** Given to every program that misbehaves, to see that it arrives. */
export const ARGUMENT = '--an-argument-of-the-configuration'

export class Trial {
  readonly options: TrialOptions
  /** Sessions that are over. */
  readonly sessions: CheckedSession[] = []
  /** A file that a session left, though its program wrote none. */
  litter: string | undefined
  /** What no session is without (T1). */
  readonly #everywhere = new Set<Flaw['kind']>()

  constructor(options: TrialOptions) {
    this.options = options
  }

  get secrets(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.options.manifest.secrets.map((name) => [name, `secret-value-of-${name}`]))
  }

  /** A session in which the program is replaced by one that misbehaves. */
  async misbehaving(name: ProgramName | 'missing', play: Play): Promise<Verdict> {
    const { programs, folder } = this.options.lab
    const program = name === 'missing' ? join(folder, 'programs', 'missing') : programs[name]
    await using session = await this.open(name, { program, args: [ARGUMENT] }, play)
    const before = await readFiles([session.workDir])
    const verdict = await this.#play(session, play)
    this.litter ??= findChange(before, await readFiles([session.workDir]))
    return verdict
  }

  /** A session in which the stand-in plays a scene. */
  async scene(name: SceneName, play: Play): Promise<Verdict> {
    const staging = await this.stage(name)
    if (!staging) return this.unstaged(name)
    try {
      await using session = await this.open(name, staging, play)
      return await this.#play(session, play)
    } finally {
      await staging[Symbol.asyncDispose]?.()
    }
  }

  async stage(name: SceneName): Promise<Staging | undefined> {
    return this.options.stage?.(name)
  }

  unstaged(name: SceneName): Verdict {
    return notShown(
      this.options.stage ? `the stand-in does not play "${name}"` : 'there is no stand-in for its program',
    )
  }

  /** A session that has not begun. */
  async open(scene: string, staging: Staging, { answer, resume }: Partial<Play> = {}): Promise<CheckedSession> {
    const { lab, manifest, patienceMs } = this.options
    const folder = await lab.openSessionFolder()
    const settings = { program: staging.program, args: staging.args ?? [] }
    const { prompt, model, onFollowUp } = staging
    const session = new CheckedSession({
      scene,
      host: lab.host,
      sandbox: lab.sandbox,
      ...(manifest.questionServer && { watches: lab.watches }),
      logger,
      folder,
      env: { ...lab.env, ...this.secrets, TROUPE_SCENE: scene, ...staging.env },
      session: {
        ...this.#session(scene, folder, settings),
        ...(prompt !== undefined && { prompt }),
        ...(model !== undefined && { model }),
        ...(resume && { workDir: resume.workDir, resume: { agentSessionId: resume.agentSessionId } }),
      },
      ...(answer && { answer }),
      ...(onFollowUp && { onFollowUp }),
      patienceMs,
    })
    session.prepare()
    return session
  }

  /** The verdict on a session that is over. */
  verdict(session: CheckedSession, { judge, provokes }: Play): Verdict {
    const flaw = findFlaw(session)
    if (!flaw || !provokes) this.sessions.push(session)
    if (!flaw) return judge(session)
    if (flaw.kind === 'idle') return notShown('it starts no program')
    if (!provokes) this.#everywhere.add(flaw.kind)
    if (provokes && !this.#everywhere.has(flaw.kind)) return failed(flaw.reason)
    return notShown(`the session is broken; see the point "${flaw.kind}"`)
  }

  async #play(session: CheckedSession, play: Play): Promise<Verdict> {
    const run = session.run()
    await play.act?.(session)
    await run
    return this.verdict(session, play)
  }

  #session(scene: string, folder: string, settings: AgentSettings): Omit<Session, 'sessionId' | 'scratchDir'> {
    const { permissionModes } = this.options.manifest
    const mode = scene === 'question' || scene === 'withdraw' ? 'ask' : 'full'
    return {
      agent: this.options.agent,
      workDir: join(folder, 'work'),
      prompt: 'Do the task.',
      permissionMode: permissionModes.includes(mode) ? mode : (permissionModes[0] ?? 'full'),
      settings,
    }
  }
}
