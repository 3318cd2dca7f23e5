/**
 * Records what the real Claude Code prints into `fixtures/agents/claude-code`, without anything of this machine. Run it by
 * hand when the pinned version changes: `node test/plugins/claude-code/record.ts`, then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Claude, ClaudeOptions } from './claude.ts'
import { startClaude } from './claude.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/claude-code/', import.meta.url))
const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const DONE = { reply: [{ text: 'Done.' }] }
const QUESTION = {
  question: 'Which colour?',
  header: 'Colour',
  options: [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ],
  multiSelect: false,
}

interface Recording extends ClaudeOptions {
  /** What happens while it runs. */
  readonly during?: (claude: Claude) => Promise<void>
}

const RECORDINGS: Readonly<Record<string, Recording>> = {
  work: {
    script: [
      { reply: [{ thinking: 'A file is wanted.' }, { text: 'I write it: ü, 語, 🎭.' }, TOUCH] },
      { reply: [{ text: 'It is there.' }], usage: { cacheRead: 50 } },
    ],
    answer: () => 'Allow',
  },
  denied: { script: [{ reply: [TOUCH] }, DONE], answer: () => 'Deny' },
  question: {
    script: [{ reply: [{ tool: 'AskUserQuestion', input: { questions: [QUESTION] } }] }, DONE],
    answer: () => 'Red',
  },
  plan: {
    script: [{ reply: [{ tool: 'ExitPlanMode', input: { plan: '# Make it' } }] }, DONE],
    session: { permissionMode: 'plan' },
    answer: () => 'Approve',
  },
  subagent: {
    scripts: {
      subagent: { match: 'Count the files', turns: [{ reply: [{ tool: 'Bash', input: { command: 'ls' } }] }, DONE] },
      main: {
        match: 'Do the task',
        turns: [
          {
            reply: [
              {
                tool: 'Task',
                input: { description: 'Count', prompt: 'Count the files', subagent_type: 'general-purpose' },
              },
            ],
          },
          DONE,
        ],
      },
    },
  },
  'follow-up': {
    script: [{ gate: 'reply', reply: [{ text: 'First.' }] }, { reply: [{ text: 'Second.' }] }],
    during: async ({ server, session }) => {
      await server.reached('reply')
      session.say('And more')
      server.open('reply')
    },
  },
  interrupted: {
    script: [{ reply: [TOUCH] }],
    answer: () => new Promise(() => {}),
    during: async ({ session }) => {
      await session.heard(({ type }) => type === 'toolUse')
      session.stop()
    },
  },
  retry: { script: [{ status: 529 }, DONE] },
  quota: {
    script: [
      {
        status: 429,
        times: 'always',
        headers: {
          'anthropic-ratelimit-unified-status': 'rejected',
          'anthropic-ratelimit-unified-reset': '1795400000',
          'anthropic-ratelimit-unified-representative-claim': 'five_hour',
        },
      },
    ],
    env: { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-fake', CLAUDE_CODE_MAX_RETRIES: '1' },
  },
  'not-signed-in': { script: [], env: { ANTHROPIC_API_KEY: '' } },
  refusal: { script: [{ stopReason: 'refusal', times: 'always', reply: [{ text: 'I cannot.' }] }] },
  'unknown-conversation': {
    script: [],
    session: { resume: { agentSessionId: '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001' } },
  },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, recording] of Object.entries(RECORDINGS)) {
  await using claude = await startClaude(recording)
  await recording.during?.(claude)
  const end = await claude.end
  const printed = claude.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(printed.join('\n'), claude)}\n`)
  process.stdout.write(`${name}: ${printed.length} lines, ${end.kind}\n`)
}

/** Paths, identifiers, ports and times are those of no machine, and the same in every recording. */
function scrub(text: string, { folder, server }: Claude): string {
  const ids = new Map<string, string>()
  const stand = (id: string) => {
    if (!ids.has(id)) ids.set(id, `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`)
    return ids.get(id) ?? id
  }
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(folder.replaceAll(/[^A-Za-z0-9]/g, '-'), '-home-user')
    .replaceAll(new URL(server.url).host, '127.0.0.1:8080')
    .replaceAll(/\/tmp\/claude-\d+\//g, '/tmp/claude/')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, stand)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
    .replaceAll(/(?<="[a-z_]*(?:_ms|_time)":)\d+/g, '1')
    .replaceAll(/(?<=cc-socks\/)\d+/g, '1')
}
