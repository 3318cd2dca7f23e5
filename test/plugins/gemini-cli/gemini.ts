/** Runs the real Gemini CLI through the plugin against a scripted model, in a home and a worktree of its own. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { geminiCli } from '../../../plugins/gemini-cli/agent.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { agentProgram } from '../../helpers/agent-programs.ts'
import { offerQuestions } from '../../helpers/question-server.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

export interface GeminiOptions extends ModelServerOptions {
  readonly session?: Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** Put into the folder before it begins, by path: `project/` is the worktree, `.gemini/` the user's configuration. */
  readonly files?: (folder: string) => Readonly<Record<string, string>>
  /** The session has a question server. */
  readonly questionServer?: true
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: Gemini
}

/** What a run of Gemini CLI needs: a model, a home, a worktree. */
export interface GeminiHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export interface Gemini extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

export async function makeGeminiHome(options: GeminiOptions): Promise<GeminiHome> {
  const program = await agentProgram('gemini-cli')
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  const files = { '.gemini/settings.json': JSON.stringify(USER_SETTINGS), ...options.files?.(folder) }
  if (own) for (const [path, content] of Object.entries(files)) writeInto(join(folder, path), content)
  return {
    server,
    folder,
    workDir,
    env: { ...environment(folder, server.url), ...options.env },
    toDo: toSession(program, folder, options.session),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startGemini(options: GeminiOptions): Promise<Gemini> {
  const home = await makeGeminiHome(options)
  const { server, folder, workDir, env, toDo } = home
  const session = openSession({ workDir, env, ...(options.answer && { answer: options.answer }) })
  const questions = options.questionServer && offerQuestions(folder, session.io)
  const end = geminiCli.run({ ...toDo, ...questions }, session.io)
  return {
    server,
    session,
    workDir,
    folder,
    end,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]()
      await end.catch(() => {})
      questions?.[Symbol.dispose]()
      await home[Symbol.asyncDispose]()
    },
  }
}

function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** As people have it who gave Gemini CLI a key, without what would use the network. */
export const USER_SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, maxAttempts: 1 },
}

/** Files of conversations have the minute of their beginning in their names (see command.ts). @param project As Gemini CLI calls it. */
export function letAMinutePass(home: string, project: string): void {
  const chats = join(home, '.gemini/tmp', project, 'chats')
  for (const name of readdirSync(chats)) {
    renameSync(join(chats, name), join(chats, name.replace(/session-[0-9T-]{16}/, 'session-2026-01-01T00-00')))
  }
}

/** Nothing of the machine's own configuration. */
const environment = (folder: string, url: string): Record<string, string> => ({
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  HOME: folder,
  TMPDIR: join(folder, 'tmp'),
  GOOGLE_GEMINI_BASE_URL: url,
  GEMINI_API_KEY: 'fake-key',
})

const toSession = (program: string, folder: string, session: GeminiOptions['session'] = {}): Session => ({
  sessionId: crypto.randomUUID(),
  agent: 'gemini-cli',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch'),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  // Left to itself it asks a model which model to take.
  model: 'gemini-2.5-pro',
  ...session,
  settings: { program, args: [], ...session.settings },
})

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Gemini, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** All text that the agent said; where it is cut into messages is up to the agent. */
export const saidText = (gemini: Gemini): string =>
  ofType(gemini, 'text')
    .map(({ content }) => content)
    .join('')

/** What the model was told last. */
export const lastSeen = ({ server }: Gemini): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
