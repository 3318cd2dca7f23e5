/** Runs the real OpenCode through the plugin against a scripted model, in a home and a worktree of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { run } from '../../../plugins/opencode/run.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { agentProgram } from '../../helpers/agent-programs.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

type SessionChange = Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }

export interface OpenCodeOptions extends ModelServerOptions {
  readonly session?: SessionChange
  readonly answer?: (ask: Ask) => string | Promise<string>
  /** Put into the worktree before it begins, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: OpenCode
}

/** What a run of OpenCode needs: a model, a home, a worktree. */
export interface OpenCodeHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export interface OpenCode extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

export async function makeOpenCodeHome(options: OpenCodeOptions): Promise<OpenCodeHome> {
  const program = await agentProgram('opencode')
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  for (const [path, content] of Object.entries(options.files ?? {})) writeInto(join(workDir, path), content)
  return {
    server,
    folder,
    workDir,
    env: environment(folder, server.url),
    toDo: toSession(program, folder, options.session ?? {}),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startOpenCode(options: OpenCodeOptions): Promise<OpenCode> {
  const home = await makeOpenCodeHome(options)
  const { server, folder, workDir, env, toDo } = home
  const session = openSession({ workDir, env, ...(options.answer && { answer: options.answer }) })
  const end = run(toDo, session.io)
  return {
    server,
    session,
    workDir,
    folder,
    end,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]()
      await end.catch(() => {})
      await home[Symbol.asyncDispose]()
    },
  }
}

function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

const MODEL = { tool_call: true, reasoning: true, cost: { input: 1, output: 2 }, limit: { context: 1e5, output: 1e4 } }

/** Nothing of the machine's own configuration. */
const environment = (folder: string, url: string): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: folder,
  TMPDIR: join(folder, 'tmp'),
  ...toConfiguration(url),
})

/** Where the model is. */
export const toConfiguration = (url: string): Record<string, string> => ({
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  OPENCODE_CONFIG_CONTENT: JSON.stringify({
    model: 'test/scripted',
    small_model: 'test/scripted',
    provider: {
      test: {
        npm: '@ai-sdk/openai-compatible',
        options: { baseURL: `${url}/v1`, apiKey: 'sk-fake' },
        models: { scripted: MODEL, other: MODEL },
      },
    },
  }),
})

const toSession = (program: string, folder: string, session: SessionChange): Session => ({
  sessionId: crypto.randomUUID(),
  agent: 'opencode',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch'),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  ...session,
  settings: { program, args: [], ...session.settings },
})

export const bash = (command: string) => ({ tool: 'bash', input: { command, description: 'Runs it' } })

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Pick<OpenCode, 'session'>, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** What the agent was told last, as the model service saw it. */
export const lastSeen = ({ server }: Pick<OpenCode, 'server'>): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
