/** Claude Code with a scripted model, bare and under the host: the same program, flags, environment and repository. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { toCommand } from '../../../plugins/claude-code/command.ts'
import { claudeCode } from '../../helpers/agent-programs.ts'
import { Channel } from '../../helpers/channel.ts'
import type { TestRepository } from '../../helpers/repositories.ts'
import type { Troupe } from '../../helpers/troupe.ts'

const KEY = 'sk-ant-fake-key-of-the-benchmarks'

export interface ClaudeSetup {
  readonly program: string
  /** Of the model server. */
  readonly url: string
}

export const claudeSetup = async (url: string): Promise<ClaudeSetup> => ({ program: await claudeCode(), url })

/** Part of a config.toml. */
export function claudeConfig({ program, url }: ClaudeSetup, configFolder: string): string {
  const env = `{ ANTHROPIC_BASE_URL = ${JSON.stringify(url)}, CLAUDE_CONFIG_DIR = ${JSON.stringify(configFolder)} }`
  return `[agents.claude-code]\nprogram = ${JSON.stringify(program)}\npermission_mode = "full"\nenv = ${env}\n`
}

/** Call it before the host is started. */
export function giveClaude(troupe: Troupe, setup: ClaudeSetup): string {
  troupe.env['ANTHROPIC_API_KEY'] = KEY
  return claudeConfig(setup, join(troupe.home, 'claude'))
}

export interface BareClaude extends AsyncDisposable {
  say(content: string): void
  write(line: object): void
  /** The next line that is so, parsed. */
  next(holds: (event: ClaudeEvent) => boolean): Promise<ClaudeEvent>
}

export interface ClaudeEvent {
  readonly type: string
  readonly request_id?: string
  readonly request?: { readonly input: object }
  readonly message?: { readonly content: unknown }
}

export const isText = ({ type, message }: ClaudeEvent): boolean =>
  type === 'assistant' && JSON.stringify(message?.content).includes('"type":"text"')

export interface BarePlace {
  readonly home: string
  readonly scratch: string
  readonly work: string
}

/** Where the bare program works, once a repository: in a worktree too, since it asks git about the folder before it begins. */
export async function makeBarePlace(repository: TestRepository, folder: string): Promise<BarePlace> {
  const place = { home: join(folder, 'home'), scratch: join(folder, 'scratch'), work: join(folder, 'work') }
  for (const path of [place.home, place.scratch]) mkdirSync(path, { recursive: true })
  await repository.git('worktree', 'add', '--quiet', '-b', 'bare', place.work)
  return place
}

/** Starts the program as the plugin does. */
export function startBareClaude({ program, url }: ClaudeSetup, { home, scratch, work }: BarePlace): BareClaude {
  const command = toCommand({
    sessionId: 'bare',
    agent: 'claude-code',
    prompt: '',
    permissionMode: 'full',
    workDir: work,
    scratchDir: scratch,
    settings: { program, args: [] },
  })
  const child = spawn(command.program, [...(command.args ?? [])], {
    cwd: work,
    env: bareEnvironment(home, url, command.env ?? {}),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return talkTo(child)
}

const bareEnvironment = (home: string, url: string, command: Readonly<Record<string, string>>) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  LC_ALL: 'C.UTF-8',
  TERM: 'dumb',
  NO_COLOR: '1',
  GIT_TERMINAL_PROMPT: '0',
  ANTHROPIC_BASE_URL: url,
  ANTHROPIC_API_KEY: KEY,
  CLAUDE_CONFIG_DIR: join(home, 'claude'),
  ...command,
})

function talkTo(child: ChildProcess): BareClaude {
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error('Claude Code has no pipes.')
  const ended = once(child, 'close')
  const lines = readEvents(createInterface({ input: stdout }))
  const write = (line: object): void => void stdin.write(`${JSON.stringify(line)}\n`)
  return {
    write,
    say: (content) => write({ type: 'user', message: { role: 'user', content }, parent_tool_use_id: null }),
    next: (holds) => lines.next(holds),
    async [Symbol.asyncDispose]() {
      stdin.end()
      await ended
    },
  }
}

function readEvents(lines: Interface) {
  const unread = new Channel<ClaudeEvent>()
  lines.on('line', (line) => unread.push(JSON.parse(line) as ClaudeEvent)).on('close', () => unread.close())
  const events = unread[Symbol.asyncIterator]()
  return {
    async next(holds: (event: ClaudeEvent) => boolean): Promise<ClaudeEvent> {
      for (let event = await events.next(); !event.done; event = await events.next()) {
        if (holds(event.value)) return event.value
      }
      throw new Error('Claude Code ended.')
    },
  }
}
