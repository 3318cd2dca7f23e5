/** Runs real agents over ACP through the plugin, against a scripted model, in a home and a worktree of their own. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { acp } from '../../../plugins/acp/agent.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { offerQuestions } from '../../helpers/question-server.ts'
import type { Describe } from '../../helpers/requirement.ts'
import { requires } from '../../helpers/requirement.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

export type AcpProgram = 'claude-agent-acp' | 'opencode'

export interface AcpOptions extends ModelServerOptions {
  readonly program?: AcpProgram
  readonly session?: Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** The session has a question server. */
  readonly questionServer?: true
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: AcpSession
}

/** What a run needs: a model, a home, a worktree. */
export interface AcpHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export interface AcpSession extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

export async function makeAcpHome(options: AcpOptions): Promise<AcpHome> {
  const name = options.program ?? 'claude-agent-acp'
  const settings = toSettings(name, await agentProgram(name))
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  return {
    server,
    folder,
    workDir,
    env: { ...environment(folder), ...ENVIRONMENTS[name](server.url), ...options.env },
    toDo: toSession(settings, folder, options.session),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startAcp(options: AcpOptions): Promise<AcpSession> {
  const home = await makeAcpHome(options)
  const { server, folder, workDir, env, toDo } = home
  const session = openSession({ workDir, env, ...(options.answer && { answer: options.answer }) })
  const questions = options.questionServer && offerQuestions(folder, session.io)
  const end = acp.run({ ...toDo, ...questions }, session.io)
  return {
    server,
    session,
    workDir,
    folder,
    end,
    [Symbol.asyncDispose]: async () => {
      questions?.[Symbol.dispose]()
      await session[Symbol.asyncDispose]()
      await end.catch(() => {})
      await home[Symbol.asyncDispose]()
    },
  }
}

export const requiresAcp = (program: AcpProgram): Promise<Describe> => requires(program, agentProbe(program))

const toSettings = (name: AcpProgram, path: string): AgentSettings =>
  name === 'opencode' ? { program: path, args: ['acp'] } : { program: process.execPath, args: [path] }

/** Nothing of the machine's own configuration. */
const environment = (folder: string): Record<string, string> => ({
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  HOME: folder,
  TMPDIR: join(folder, 'tmp'),
})

export const ENVIRONMENTS: Record<AcpProgram, (url: string) => Record<string, string>> = {
  'claude-agent-acp': (url) => ({
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'sk-ant-fake',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '1',
    // Else it asks the model what the user may want to say next, in a request that looks like a turn.
    CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false',
  }),
  opencode: (url) => ({
    OPENCODE_CONFIG_CONTENT: JSON.stringify(openCodeConfig(url)),
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
  }),
}

const openCodeConfig = (url: string) => ({
  model: 'test/scripted',
  small_model: 'test/scripted',
  autoupdate: false,
  permission: { edit: 'ask', bash: 'ask' },
  provider: {
    test: {
      npm: '@ai-sdk/openai-compatible',
      options: { baseURL: `${url}/v1`, apiKey: 'sk-fake' },
      models: { scripted: MODEL, other: MODEL },
    },
  },
})

const MODEL = { tool_call: true, reasoning: true, cost: { input: 1, output: 2 }, limit: { context: 1e5, output: 1e4 } }

const toSession = (settings: AgentSettings, folder: string, session: AcpOptions['session'] = {}): Session => ({
  sessionId: crypto.randomUUID(),
  agent: 'acp',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch'),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  ...session,
  settings: { ...settings, ...session.settings },
})

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: AcpSession, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** All text that the agent said; where it is cut into messages is up to the agent. */
export const saidText = (acpSession: AcpSession): string =>
  ofType(acpSession, 'text')
    .map(({ content }) => content)
    .join('')

/** What the model was told last. */
export const lastSeen = ({ server }: AcpSession): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
