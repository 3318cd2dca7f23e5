/** Runs the real Codex CLI through the plugin against a scripted model, in a home and a worktree of its own. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { run } from '../../../plugins/codex-cli/run.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { agentProgram } from '../../helpers/agent-programs.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

type Files = Readonly<Record<string, string>>
type SessionChange = Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }

export interface CodexOptions extends ModelServerOptions {
  readonly session?: SessionChange | ((workDir: string) => SessionChange)
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** Put into the folder before it begins, by path: `project/` is the worktree, `.codex/` the user's configuration. */
  readonly files?: Files | ((folder: string) => Files)
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: Codex
}

export interface Codex extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

/** What a run of Codex needs: a model, a home, a worktree. */
export interface CodexHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

/** Its tools are called directly; newer models call theirs from a script. */
export const MODEL = 'gpt-5.5'

export async function makeCodexHome(options: CodexOptions): Promise<CodexHome> {
  const program = await agentProgram('codex-cli')
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  if (own) execFileSync('git', ['init', '--quiet', workDir], { env: { PATH: PROGRAMS, HOME: folder } })
  for (const [path, content] of Object.entries(toValue(options.files ?? {}, folder)))
    writeInto(join(folder, path), content)
  return {
    server,
    folder,
    workDir,
    env: { ...environment(folder), ...options.env },
    toDo: toSession(program, { folder, url: server.url }, toValue(options.session ?? {}, workDir)),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startCodex(options: CodexOptions): Promise<Codex> {
  const home = await makeCodexHome(options)
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

const toValue = <T extends object>(value: T | ((path: string) => T), path: string): T =>
  typeof value === 'function' ? value(path) : value

function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

const PROGRAMS = '/usr/local/bin:/usr/bin:/bin'

/** Nothing of the machine's own configuration: a home, a configuration folder and a key of the test's own. */
const environment = (folder: string): Record<string, string> => ({
  PATH: PROGRAMS,
  HOME: folder,
  TMPDIR: join(folder, 'tmp'),
  NO_COLOR: '1',
  CODEX_API_KEY: 'sk-fake',
})

/** Arguments that say where the model is for a key, and for whoever is signed in; the usual number of attempts takes half a minute. */
export const toArguments = (url: string): string[] =>
  [
    `model_providers.openai-api-key.base_url="${url}/v1"`,
    'model_providers.openai-api-key.request_max_retries=1',
    'model_providers.openai-api-key.stream_max_retries=1',
    `openai_base_url="${url}/v1"`,
    'otel.metrics_exporter="none"',
    'features.plugins=false',
    'features.apps=false',
  ].flatMap((value) => ['-c', value])

const toSession = (
  program: string,
  { folder, url }: { folder: string; url: string },
  session: SessionChange,
): Session => ({
  sessionId: crypto.randomUUID(),
  agent: 'codex-cli',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch'),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  model: MODEL,
  ...session,
  settings: {
    program,
    ...session.settings,
    args: [...toArguments(url), ...(session.settings?.args ?? [])],
  },
})

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Codex, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** What the agent was told last, as the model service saw it. */
export const lastSeen = ({ server }: Codex): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
