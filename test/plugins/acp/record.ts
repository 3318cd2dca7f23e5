/**
 * Records what real agents print over ACP into `fixtures/agents/acp`, without anything of this machine. Run it by hand when a
 * pinned version changes: `node test/plugins/acp/record.ts`, then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AcpOptions, AcpSession } from './acp-session.ts'
import { startAcp } from './acp-session.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/acp/', import.meta.url))
const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const DONE = { reply: [{ text: 'Done: ü, 語, 🎭.' }] }
const QUESTION = {
  question: 'Which colour?',
  header: 'Colour',
  options: [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ],
  multiSelect: false,
}
const bash = (command: string) => ({ tool: 'bash', input: { command, description: 'Runs it' } })
const opencode = { program: 'opencode' } as const

const RECORDINGS: Readonly<Record<string, AcpOptions>> = {
  'claude-work': { script: [{ reply: [{ thinking: 'A file is wanted.' }, TOUCH] }, DONE], answer: () => 'Yes' },
  'claude-denied': { script: [{ reply: [TOUCH] }, DONE], answer: () => 'No' },
  'claude-question': {
    script: [{ reply: [{ tool: 'AskUserQuestion', input: { questions: [QUESTION] } }] }, DONE],
    answer: () => 'Red',
  },
  'claude-quota': { script: [{ status: 429, times: 'always', body: 'Too much.' }] },
  'opencode-work': {
    ...opencode,
    script: [
      { reply: [{ thinking: 'A file is wanted.' }, bash('echo hi; exit 3')] },
      { reply: [{ tool: 'write', input: { filePath: 'greeting.txt', content: 'Hello!\n' } }] },
      DONE,
    ],
    answer: () => 'Allow once',
  },
  'opencode-denied': { ...opencode, script: [{ reply: [bash('ls')] }, DONE], answer: () => 'Reject' },
  'opencode-error': { ...opencode, script: [{ status: 400, times: 'always', body: 'Too odd.' }] },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, options] of Object.entries(RECORDINGS)) {
  await using acp = await startAcp(options)
  const end = await acp.end
  const printed = acp.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(printed.map(shorten).join('\n'), acp)}\n`)
  process.stdout.write(`${name}: ${printed.length} lines, ${end.kind}\n`)
}

/** Lists of what an agent offers are long, and nobody reads them. */
function shorten(line: string): string {
  const message = JSON.parse(line)
  if (message.params?.update?.availableCommands) message.params.update.availableCommands = []
  return JSON.stringify(message)
}

/** Paths, identifiers, ports and times are those of no machine, and the same in every recording. */
function scrub(text: string, { folder, server }: AcpSession): string {
  const ids = new Map<string, string>()
  const stand = (id: string) => {
    if (!ids.has(id)) ids.set(id, `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`)
    return ids.get(id) ?? id
  }
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(folder.slice(1), 'home/user')
    .replaceAll(new URL(server.url).host, '127.0.0.1:8080')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, stand)
    .replaceAll(/\b(?:ses|msg|prt|per)_[0-9a-f]{12}[A-Za-z0-9]{14}\b/g, stand)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
}
