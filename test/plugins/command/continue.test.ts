/** A command outlives its host: whenever that dies, nothing is lost and nothing comes twice. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { type TestIo, makeSession } from '../../helpers/plugin-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import { type Lives, runThroughCrashes } from '../../plugin/crashes.ts'

async function run(prompt: string, onLife?: (io: TestIo, life: number) => void): Promise<Lives> {
  const lived = await runThroughCrashes({
    session: makeSession('command', { prompt }),
    io: { cwd: '/' },
    ...(onLife && { onLife }),
  })
  onTestFinished(() => lived.io[Symbol.asyncDispose]())
  return lived
}

const linesOf = ({ io }: Lives, type: 'text' | 'raw' | 'thinking'): string[] =>
  io.messages.flatMap((message) => (message.type === type ? message.content.split('\n') : []))

const PROMPT = `for i in $(seq 1 100); do
  echo line $i
  if [ $((i % 40)) = 0 ]; then echo error $i >&2; sleep 0.1; fi
  if [ $((i % 30)) = 0 ]; then echo '{"type":"thinking","content":"'$i'"}'; fi
done; exit 3`

test('every line is logged once, though the host dies at every commit', shows('command', 'crash'), async () => {
  const lived = await run(PROMPT)
  expect(lived.lives).toBeGreaterThan(2)
  expect(linesOf(lived, 'text')).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index + 1}`))
  expect(linesOf(lived, 'raw')).toEqual(['error 40', 'error 80'])
  expect(linesOf(lived, 'thinking')).toEqual(['30', '60', '90'])
  expect(lived.io.processes).toHaveLength(1)
})

test('it is announced once, its exit is logged once, and its last words are remembered', async () => {
  const lived = await run('echo first; sleep 0.1; echo it broke >&2; sleep 0.1; echo; exit 3')
  expect(lived.end).toEqual({
    kind: 'error',
    code: 'AGENT_EXITED',
    message: 'The command exited with code 3: it broke',
  })
  const types = lived.io.messages.map(({ type }) => type)
  expect(types.filter((type) => type === 'start' || type === 'toolUse' || type === 'toolResult')).toEqual([
    'start',
    'toolUse',
    'toolResult',
  ])
})

test('a follow-up is refused once', async () => {
  using folder = makeTemporaryFolder()
  let now: TestIo | undefined
  const lived = run(`while [ ! -e ${folder.path}/enough ]; do sleep 0.05; done`, (io, life) => {
    now = io
    if (life === 1) io.say('faster', 'and better')
  })
  await expect.poll(() => now?.messages.length).toBeGreaterThan(3)
  writeFileSync(join(folder.path, 'enough'), '')
  expect(toTexts((await lived).io)).toEqual(['faster', 'and better'])
})

const toTexts = ({ messages }: TestIo): string[] =>
  messages.flatMap((message) => (message.type === 'error' ? [message.message.split(': ')[1] ?? ''] : []))
