/**
 * Runs the plugin for Amp in a home and a worktree of its own. The program is a stand-in that speaks Amp's documented stream
 * (fixtures/amp-stand-in): the real one needs its own service for every turn. What the real one does before, `program` runs.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AgentMessage, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { run } from '../../../plugins/amp/run.ts'
import { offerQuestions } from '../../helpers/question-server.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const STAND_IN = fileURLToPath(new URL('../../../fixtures/amp-stand-in/amp.js', import.meta.url))

interface Block {
  readonly text?: string
  readonly thinking?: string
  readonly tool?: string
  readonly input?: object
}

export interface Turn {
  readonly blocks?: readonly Block[]
  readonly error?: string
  readonly hang?: true
  /** Printed as they are. */
  readonly lines?: readonly string[]
}

export interface AmpOptions {
  readonly turns?: readonly Turn[]
  readonly session?: Partial<Omit<Session, 'settings'>>
  readonly program?: string
  readonly args?: readonly string[]
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** Put into the folder before it begins, by path: `project/` is the worktree. */
  readonly files?: (folder: string) => Readonly<Record<string, string>>
  readonly questionServer?: true
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: Amp
}

export interface AmpHome extends Disposable {
  readonly folder: string
  readonly workDir: string
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export interface Amp extends AsyncDisposable {
  readonly session: TestSession
  readonly folder: string
  readonly workDir: string
  readonly end: Promise<RunEnd>
}

export function makeAmpHome(options: AmpOptions): AmpHome {
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  mkdirSync(workDir, { recursive: true })
  for (const [path, content] of Object.entries(options.files?.(folder) ?? {})) writeInto(join(folder, path), content)
  const script = join(folder, 'script.json')
  if (options.turns) writeFileSync(script, JSON.stringify({ turns: options.turns }))
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: folder,
    AMP_API_KEY: 'fake',
    AMP_STAND_IN: script,
  }
  const settings = { program: options.program ?? STAND_IN, args: options.args ?? [] }
  return {
    folder,
    workDir,
    env: { ...env, ...options.env },
    toDo: {
      sessionId: crypto.randomUUID(),
      agent: 'amp',
      workDir,
      scratchDir: folder,
      prompt: 'Do the task.',
      permissionMode: 'full',
      ...options.session,
      settings,
    },
    [Symbol.dispose]: () => own?.[Symbol.dispose](),
  }
}

/** Begins a run; `end` settles with its end. */
export function startAmp(options: AmpOptions): Amp {
  const home = makeAmpHome(options)
  const { folder, workDir, env, toDo } = home
  const session = openSession({ workDir, env, ...(options.answer && { answer: options.answer }) })
  const questions = options.questionServer && offerQuestions(folder, session.io)
  const end = run({ ...toDo, ...questions }, session.io)
  return {
    session,
    folder,
    workDir,
    end,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]()
      await end.catch(() => {})
      questions?.[Symbol.dispose]()
      home[Symbol.dispose]()
    },
  }
}

function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Amp, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** All that was said to the stand-in, by conversation: the texts of each turn and how it was called. */
export function heardBy({ folder }: Pick<Amp, 'folder'>): Record<string, { said: string[]; args: string[] }[]> {
  const heard: Record<string, { said: string[]; args: string[] }[]> = JSON.parse(
    readFileSync(join(folder, 'script.json.threads'), 'utf8'),
  )
  return heard
}
