/**
 * Records what the bridge makes of the real Aider into `fixtures/agents/aider`, without anything of this machine. Imported by a
 * test that is run by hand when the pinned version changes; then look at what differs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Aider, AiderOptions } from './aider.ts'
import { edit, shell, startAider } from './aider.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/agents/aider/', import.meta.url))

const RECORDINGS: Readonly<Record<string, AiderOptions>> = {
  work: {
    script: [
      { reply: [{ text: `I write it: ü, 語, 🎭.${edit('new.txt', '', 'new\n')}${shell('cat new.txt; echo done')}` }] },
    ],
    answer: () => 'Yes',
  },
  denied: { script: [{ reply: [{ text: `I write it.${edit('new.txt', '', 'new\n')}` }] }], answer: () => 'No' },
  'not-signed-in': { script: [{ status: 401, body: 'invalid key' }] },
  'unknown-conversation': { script: [], session: { resume: { agentSessionId: 'unknown' } } },
}

await mkdir(FOLDER, { recursive: true })
for (const [name, recording] of Object.entries(RECORDINGS)) {
  await using aider = await startAider(recording)
  const end = await aider.end
  const printed = aider.session.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
  await writeFile(`${FOLDER}${name}.ndjson`, `${scrub(printed.join('\n'), aider)}\n`)
  process.stdout.write(`${name}: ${printed.length} lines, ${end.kind}\n`)
}

/** Paths, identifiers and times are those of no machine, and the same in every recording. */
function scrub(text: string, { folder }: Aider): string {
  return text
    .replaceAll(folder, '/home/user')
    .replaceAll(/HTTPSConnectionPool.*?\\n/g, '') // The network of this machine.
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '00000000-0000-4000-8000-000000000001')
    .replaceAll(/(?<="time":)\d+/g, '1767225600')
}
