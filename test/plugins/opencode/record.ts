/**
 * Records what the bridge makes of the real OpenCode into `fixtures/agents/opencode`, without anything of this machine. Imported
 * by a test that is run by hand when the pinned version changes; then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../../core/base/waiting.ts'
import type { OpenCode, OpenCodeOptions } from './opencode.ts'
import { bash, startOpenCode } from './opencode.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/opencode/', import.meta.url))
const QUESTION = { question: 'Which?', header: 'Colour', options: [{ label: 'Red', description: 'warm' }] }

interface Recording extends OpenCodeOptions {
  /** What happens while it runs. */
  readonly during?: (agent: OpenCode) => Promise<void>
}

const RECORDINGS: Readonly<Record<string, Recording>> = {
  work: {
    script: [
      { reply: [{ thinking: 'A file is wanted.' }, { text: 'I write it: ü, 語, 🎭.' }, bash('echo hi; exit 3')] },
      { reply: [{ tool: 'write', input: { filePath: 'new.txt', content: 'new\n' } }] },
      { reply: [{ tool: 'question', input: { questions: [QUESTION] } }] },
      { reply: [{ text: 'Done.' }] },
    ],
    answer: ({ kind }) => (kind === 'question' ? 'Red' : 'Allow'),
  },
  denied: { script: [{ reply: [bash('touch a')] }, { reply: [{ text: 'Done.' }] }], answer: () => 'Deny' },
  interrupted: {
    script: [{ reply: [bash('sleep 300')] }],
    session: { permissionMode: 'full' },
    during: async ({ session }) => {
      while (!session.lines.some(({ text }) => text.includes('permission.replied'))) await sleep(20)
      session.stop()
    },
  },
  retry: {
    script: [{ status: 429, body: 'Slow down.', headers: { 'retry-after': '1' } }, { reply: [{ text: 'Done.' }] }],
  },
  refused: { script: [{ status: 400, body: 'Too odd.' }] },
  'unknown-conversation': { script: [], session: { resume: { agentSessionId: 'ses_unknown' } } },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, recording] of Object.entries(RECORDINGS)) {
  await using agent = await startOpenCode(recording)
  await recording.during?.(agent)
  const end = await agent.end
  const printed = agent.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  // What the server says of itself is the same in all.
  const told = printed.filter((line) => name === 'work' || !line.includes('"plugin.added"'))
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(told.join('\n'), agent)}\n`)
  process.stdout.write(`${name}: ${told.length} lines, ${end.kind}\n`)
}

/** Paths, identifiers, ports and times are those of no machine, and the same in every recording. */
function scrub(text: string, { folder, server }: OpenCode): string {
  const ids = new Map<string, string>()
  const stand = (id: string, prefix: string) => {
    if (!ids.has(id)) ids.set(id, `${prefix}_${String(ids.size + 1).padStart(26, '0')}`)
    return ids.get(id) ?? id
  }
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(folder.slice(1), 'home/user')
    .replaceAll(new URL(server.url).host, '127.0.0.1:8080')
    .replaceAll(/\b(evt|ses|msg|prt|per|que)_[0-9A-Za-z]{20,}/g, (id, prefix: string) => stand(id, prefix))
    .replaceAll(/(?<="(?:created|updated|completed|start|end|time|next)":)\d{10,}/g, '1767225600000')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, '2026-01-01T00:00:00.000Z')
    .replaceAll(/(?<="(?:date|slug)":")[^"]*/g, 'Thu, 01 Jan 2026 00:00:00 GMT')
    .replaceAll(/answer\/\S+?"/g, 'answer/1"')
    .replaceAll(/(?<=abort\/|say\/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '00000000-0000-4000-8000-000000000001')
}
