/** Runs the real Aider through the plugin against a scripted model, in a home and a worktree of its own. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelServer, ModelServerOptions } from '../../../fixtures/model-server/server.ts'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { run } from '../../../plugins/aider/run.ts'
import type { AgentMessage, AgentSettings, Ask, RunEnd, Session } from '../../../core/plugin/contract/index.ts'
import { agentProgram } from '../../helpers/agent-programs.ts'
import type { TestSession } from '../../helpers/session-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

type SessionChange = Partial<Omit<Session, 'settings'>> & { readonly settings?: Partial<AgentSettings> }

export interface AiderOptions extends ModelServerOptions {
  readonly session?: SessionChange
  readonly answer?: (ask: Ask) => string | Promise<string>
  readonly env?: Readonly<Record<string, string>>
  /** Put into the worktree before it begins, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Continue in the home and worktree of this earlier run. */
  readonly after?: Aider
}

/** What a run of Aider needs: a model, a home, a worktree. */
export interface AiderHome extends AsyncDisposable {
  readonly server: ModelServer
  readonly folder: string
  readonly workDir: string
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>
  readonly toDo: Session
}

export interface Aider extends AsyncDisposable {
  readonly server: ModelServer
  readonly session: TestSession
  readonly workDir: string
  readonly folder: string
  readonly end: Promise<RunEnd>
}

const PATH = '/usr/local/bin:/usr/bin:/bin'

export async function makeAiderHome(options: AiderOptions): Promise<AiderHome> {
  const program = await agentProgram('aider')
  const server = await startModelServer(options)
  const own = options.after ? undefined : makeTemporaryFolder()
  const folder = own?.path ?? options.after?.folder ?? ''
  const workDir = join(folder, 'project')
  for (const made of [workDir, join(folder, 'tmp')]) mkdirSync(made, { recursive: true })
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(join(workDir, name), content)
  if (own) makeRepository(workDir, folder)
  return {
    server,
    folder,
    workDir,
    env: { PATH, HOME: folder, TMPDIR: join(folder, 'tmp'), TERM: 'dumb', OPENAI_API_KEY: 'sk-fake', ...options.env },
    toDo: toSession(program, { folder, url: server.url }, options.session ?? {}),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      own?.[Symbol.dispose]()
    },
  }
}

/** Begins a run; `end` settles with its end. */
export async function startAider(options: AiderOptions): Promise<Aider> {
  const home = await makeAiderHome(options)
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

function makeRepository(workDir: string, home: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: workDir, env: { PATH, HOME: home } })
  git('init', '--quiet')
  git('config', 'user.name', 'Test')
  git('config', 'user.email', 'test@example.org')
  git('add', '--all')
  git('commit', '--quiet', '--allow-empty', '--message=Begin')
}

const toSession = (
  program: string,
  { folder, url }: { folder: string; url: string },
  session: SessionChange,
): Session => ({
  sessionId: crypto.randomUUID(),
  agent: 'aider',
  workDir: join(folder, 'project'),
  scratchDir: join(folder, 'scratch', crypto.randomUUID()),
  prompt: 'Do the task.',
  permissionMode: 'ask',
  model: 'openai/gpt-4o',
  ...session,
  settings: { program, ...session.settings, args: [`--openai-api-base=${url}/v1`, ...(session.settings?.args ?? [])] },
})

/** A reply that writes a file. */
export const edit = (path: string, before: string, after: string): string =>
  `\n${path}\n\`\`\`\n<<<<<<< SEARCH\n${before}=======\n${after}>>>>>>> REPLACE\n\`\`\`\n`

/** A reply that suggests a command. */
export const shell = (command: string): string => `\n\`\`\`bash\n${command}\n\`\`\`\n`

/** The messages of one type, in order. */
export const ofType = <T extends AgentMessage['type']>({ session }: Pick<Aider, 'session'>, type: T) =>
  session.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type)

/** What the agent was told last, as the model service saw it. */
export const lastSeen = ({ server }: Pick<Aider, 'server'>): string =>
  JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body ?? null)
