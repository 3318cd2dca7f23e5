/** Runs the real Claude Code through the plugin against a scripted model, in a home and a worktree of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { run } from '../../../plugins/claude-code/run.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { claudeCode } from '../../helpers/agent-programs.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

export interface ClaudeOptions extends ModelServerOptions {
  readonly session?: Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** Put into the folder before it begins, by path: `project/` is the worktree, `.claude/` the user's configuration. */
  readonly files?: Readonly<Record<string, string>>
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: Claude
}

export interface Claude extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

/** What a run of Claude Code needs: a model, a home, a worktree. */
export interface ClaudeHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export async function makeClaudeHome(options: ClaudeOptions): Promise<ClaudeHome> {
  const program = await claudeCode()
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  for (const [path, content] of Object.entries(options.files ?? {})) writeInto(join(folder, path), content)
  const env = { ...environment(folder, server.url), ...options.env }
  return {
    server,
    folder,
    workDir,
    env,
    toDo: toSession(program, folder, options.session),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startClaude(options: ClaudeOptions): Promise<Claude> {
  const home = await makeClaudeHome(options)
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

/** Nothing of the machine's own configuration: a home, a configuration folder and a key of the test's own. */
const environment = (folder: string, url: string): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: folder,
  TMPDIR: join(folder, 'tmp'),
  CLAUDE_CONFIG_DIR: join(folder, '.claude'),
  ANTHROPIC_BASE_URL: url,
  ANTHROPIC_API_KEY: 'sk-ant-fake',
})

const toSession = (program: string, folder: string, session: ClaudeOptions['session'] = {}): Session => ({
  // Its prompt has an id made of it, and Claude Code ignores one that is in the conversation already.
  sessionId: crypto.randomUUID(),
  agent: 'claude-code',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch'),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  ...session,
  settings: { program, args: [], ...session.settings },
})

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Claude, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** What the agent was told last, as the model service saw it. */
export const lastSeen = ({ server }: Claude): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
