/**
 * Records what the real Gemini CLI prints into `fixtures/agents/gemini-cli`, without anything of this machine. Run it by
 * hand when the pinned version changes: `node test/plugins/gemini-cli/record.ts`, then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Gemini, GeminiOptions } from './gemini.ts'
import { startGemini } from './gemini.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/gemini-cli/', import.meta.url))
const shell = (command: string) => ({ tool: 'run_shell_command', input: { command, description: 'Does it' } })
const WRITE = { tool: 'write_file', input: { file_path: 'greeting.txt', content: 'Hello!\n' } }
const DONE = { reply: [{ text: 'Done: ü, 語, 🎭.' }] }

const RECORDINGS: Readonly<Record<string, GeminiOptions>> = {
  work: {
    script: [{ reply: [{ thinking: '**Think** A file is wanted.' }, shell('echo hi')] }, { reply: [WRITE] }, DONE],
    answer: () => 'Allow',
  },
  denied: { script: [{ reply: [shell('make')] }, DONE], answer: () => 'Reject' },
  plan: { script: [DONE], session: { permissionMode: 'plan' } },
  quota: { script: [{ status: 429, times: 'always', body: 'Too much.' }] },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, options] of Object.entries(RECORDINGS)) {
  await using gemini = await startGemini(options)
  const end = await gemini.end
  const printed = gemini.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(printed.map(shorten).join('\n'), gemini)}\n`)
  process.stdout.write(`${name}: ${printed.length} lines, ${end.kind}\n`)
}

/** Lists of what it offers are long, and nobody reads them. */
function shorten(line: string): string {
  const message = JSON.parse(line)
  if (message.params?.update?.availableCommands) message.params.update.availableCommands = []
  return JSON.stringify(message)
}

/** Paths, identifiers and process numbers are those of no machine, and the same in every recording. */
function scrub(text: string, { folder }: Gemini): string {
  const ids = new Map<string, string>()
  const stand = (id: string) => {
    if (!ids.has(id)) ids.set(id, `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`)
    return ids.get(id) ?? id
  }
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, stand)
    .replaceAll(/PGID: \d+/g, 'PGID: 1')
}
