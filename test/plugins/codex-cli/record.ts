/**
 * Records what the real Codex prints into `fixtures/agents/codex-cli`, without anything of this machine. Run it by hand when the
 * pinned version changes: `node test/plugins/codex-cli/record.ts`, then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Codex, CodexOptions } from './codex.ts'
import { startCodex } from './codex.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/codex-cli/', import.meta.url))
const TOUCH = { tool: 'exec_command', input: { cmd: 'touch made.txt' } }
const PATCH = { tool: 'apply_patch', input: '*** Begin Patch\n*** Add File: new.txt\n+ü, 語, 🎭\n*** End Patch\n' }
const DONE = { reply: [{ text: 'Done.' }] }
const QUESTION = {
  id: 'colour',
  header: 'Colour',
  question: 'Which colour?',
  options: [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ],
}
const PLAN = { reply: [{ text: '<proposed_plan>\n# Make it\n</proposed_plan>\n' }] }

interface Recording extends CodexOptions {
  /** What happens while it runs. */
  readonly during?: (codex: Codex) => Promise<void>
}

const RECORDINGS: Readonly<Record<string, Recording>> = {
  work: {
    script: [
      { reply: [{ thinking: 'A file is wanted.' }, { text: 'I write it: ü, 語, 🎭.' }, PATCH] },
      { reply: [TOUCH] },
      { reply: [{ text: 'It is there.' }], usage: { cacheRead: 50 } },
    ],
    answer: () => 'Allow',
  },
  denied: { script: [{ reply: [TOUCH] }, DONE], answer: () => 'Deny' },
  question: {
    script: [{ reply: [{ tool: 'request_user_input', input: { questions: [QUESTION] } }] }, DONE],
    answer: () => 'Red',
  },
  plan: { script: [PLAN, DONE], session: { permissionMode: 'plan' }, answer: () => 'Approve' },
  script: {
    script: [{ reply: [{ tool: 'exec', input: "await tools.exec_command({cmd: 'echo hi'})" }] }, DONE],
    session: { permissionMode: 'full', model: 'gpt-6.1-sol' },
  },
  interrupted: {
    script: [{ reply: [TOUCH] }],
    answer: () => new Promise(() => {}),
    during: async ({ session }) => {
      await session.heard(({ type }) => type === 'toolUse')
      session.stop()
    },
  },
  retry: { script: [{ drop: 'middle', reply: [{ text: 'Half of a text.' }] }, DONE] },
  quota: {
    script: [
      {
        status: 429,
        headers: {
          'x-codex-primary-used-percent': '100',
          'x-codex-primary-window-minutes': '300',
          'x-codex-primary-reset-at': '1795400000',
        },
        body: { error: { type: 'usage_limit_reached', message: 'Used up.', resets_at: 1_795_400_000 } },
      },
    ],
  },
  'not-signed-in': { script: [], env: { CODEX_API_KEY: '' } },
  'unknown-conversation': {
    script: [],
    session: { resume: { agentSessionId: '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001' } },
  },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, recording] of Object.entries(RECORDINGS)) {
  await using codex = await startCodex(recording)
  await recording.during?.(codex)
  const end = await codex.end
  const printed = codex.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(printed.join('\n'), codex)}\n`)
  process.stdout.write(`${name}: ${printed.length} lines, ${end.kind}\n`)
}

/** Paths, identifiers, ports and times are those of no machine, and the same in every recording. */
function scrub(text: string, { folder, server }: Codex): string {
  const ids = new Map<string, string>()
  const stand = (id: string) => {
    if (!ids.has(id)) ids.set(id, `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`)
    return ids.get(id) ?? id
  }
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(new URL(server.url).host, '127.0.0.1:8080')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, stand)
    .replaceAll(/(?<="[A-Za-z]*(?:At|Ms)":)\d{10,}/g, '1')
    .replaceAll(/(?<="(?:durationMs)":)\d+/g, '1')
    .replaceAll(/(?<="processId":")\d+/g, '1')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d/g, '2026-01-01T00-00-00')
    .replaceAll(/sessions\/\d{4}\/\d\d\/\d\d/g, 'sessions/2026/01/01')
    .replaceAll(/(?<="userAgent":"[^(]*\()[^)]*/g, 'Linux; x86_64')
}
