/** The programs of the bundled agents, for the conformance kit: how each finds its model, and what that says to do something. */
import type { Json } from '../../core/base/json.ts'
import type { ReplyPart, Turn } from '../../fixtures/model-server/script.ts'
import type { RealAgent } from '../helpers/agent-programs.ts'
import { ENVIRONMENTS } from '../plugins/acp/acp-session.ts'
import { shell } from '../plugins/aider/aider.ts'
import { MODEL, toArguments } from '../plugins/codex-cli/codex.ts'
import { letAMinutePass, USER_SETTINGS } from '../plugins/gemini-cli/gemini.ts'
import { toConfiguration } from '../plugins/opencode/opencode.ts'
import { OPTIONS, QUESTION, type RealProgram } from './real-program.ts'

interface Installed {
  readonly name: RealAgent
  /** @param path Of the installed program. */
  readonly toProgram: (path: string) => RealProgram
}

const ASKED = { question: QUESTION, header: 'Fruit', options: OPTIONS }
const NO_CREDIT: readonly Turn[] = [{ status: 402, body: 'No credits left.', times: 'always' }]
const UNKNOWN_NOTIFICATION = '{"jsonrpc":"2.0","method":"hologram/shown","params":{}}'

const tool =
  (name: string, toInput: (line: string) => Json) =>
  (line: string): ReplyPart => ({ tool: name, input: toInput(line) })

const claude = {
  settings: ({ url }) => ({ env: { ...ENVIRONMENTS['claude-agent-acp'](url), CLAUDE_CODE_OAUTH_TOKEN: '' } }),
  command: tool('Bash', (command) => ({ command })),
  question: { tool: 'AskUserQuestion', input: { questions: [{ ...ASKED, multiSelect: false }] } },
} satisfies Partial<RealProgram>

/** By plugin. */
export const REAL_PROGRAMS: Readonly<Record<string, Installed>> = {
  'claude-code': {
    name: 'claude-code',
    toProgram: (program) => ({ ...claude, program, unknownEvent: '{"type":"hologram"}' }),
  },
  acp: {
    name: 'claude-agent-acp',
    toProgram: (path) => ({
      ...claude,
      program: process.execPath,
      settings: (place) => ({ ...claude.settings(place), args: [path] }),
      unknownEvent: UNKNOWN_NOTIFICATION,
    }),
  },
  'codex-cli': {
    name: 'codex-cli',
    toProgram: (program) => ({
      program,
      settings: ({ url }) => ({ args: toArguments(url), model: MODEL }),
      command: tool('exec_command', (cmd) => ({ cmd })),
      question: { tool: 'request_user_input', input: { questions: [{ ...ASKED, id: 'fruit' }] } },
      unknownEvent: UNKNOWN_NOTIFICATION,
      scenes: { quota: [{ status: 429, body: { error: { type: 'usage_limit_reached', message: 'Used up' } } }] },
    }),
  },
  opencode: {
    name: 'opencode',
    toProgram: (program) => ({
      program,
      settings: ({ url }) => ({ env: toConfiguration(url) }),
      command: tool('bash', (command) => ({ command, description: 'Runs it' })),
      question: { tool: 'question', input: { questions: [ASKED] } },
      // At 429 it tries again for a minute.
      scenes: { quota: NO_CREDIT },
    }),
  },
  'gemini-cli': {
    name: 'gemini-cli',
    toProgram: (program) => ({
      program,
      files: { '.gemini/settings.json': JSON.stringify(USER_SETTINGS) },
      settings: ({ url, scene, home }) => {
        // The scene "text", which it resumes, was played first, in a worktree called `work`.
        if (scene === 'resume') letAMinutePass(home, 'work')
        return {
          env: { GOOGLE_GEMINI_BASE_URL: url },
          model: 'gemini-2.5-pro',
          // Else it connects to no MCP server.
          args: scene === 'question' ? ['--skip-trust'] : [],
        }
      },
      command: tool('run_shell_command', (command) => ({ command, description: 'Runs it' })),
      question: { tool: 'mcp_troupe_ask_person', input: { question: QUESTION, options: OPTIONS } },
      unknownEvent: UNKNOWN_NOTIFICATION,
    }),
  },
  aider: {
    name: 'aider',
    toProgram: (program) => ({
      program,
      settings: ({ url }) => ({ args: [`--openai-api-base=${url}/v1`], model: 'openai/gpt-4o' }),
      command: (line) => ({ text: shell(line) }),
      scenes: {
        // At 429 it tries again for a minute.
        quota: NO_CREDIT,
        // A command does not make it ask its model again.
        continue: [{ reply: Array.from({ length: 20 }, (_, index) => ({ text: `${index + 1}\n` })) }],
      },
    }),
  },
}
