/** The real Claude Code outlives its host: whenever that dies, nothing is lost and nothing comes twice. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import { claudeCodeProbe } from '../../helpers/agent-programs.ts'
import type { TestIo, TestIoOptions } from '../../helpers/plugin-io.ts'
import { requires } from '../../helpers/requirement.ts'
import { type CrashingSession, type Lives, runThroughCrashes } from '../../plugin/crashes.ts'
import { type ClaudeHome, makeClaudeHome } from './claude.ts'

const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

interface Crashing extends Omit<TestIoOptions, 'env' | 'cwd'>, Pick<CrashingSession, 'secrets'> {
  readonly onLife?: (io: TestIo, life: number) => void
}

const runIn = ({ env, workDir, toDo }: ClaudeHome, { onLife, secrets = [], ...io }: Crashing): Promise<Lives> =>
  runThroughCrashes({
    session: toDo,
    io: { env, cwd: workDir, ...io },
    secrets,
    ...(onLife && { onLife }),
  })

const tell = ({ io }: Lives): string[] => io.messages.flatMap(tellMessage)

const tellMessage = (message: MessageBody): string[] => {
  if (message.type === 'text') return [message.content]
  if (message.type === 'raw') return []
  return [message.type === 'toolResult' && !message.success ? 'failed' : message.type]
}

describeWithClaude('Claude Code whose host dies at every commit', () => {
  it(
    'goes on with its tools and words, each told once, and asks once for each permission',
    shows('claude-code', 'crash'),
    async () => {
      await using home = await makeClaudeHome({
        script: [
          { reply: [{ text: 'First.' }, TOUCH] },
          { reply: [{ text: 'Then.' }, TOUCH] },
          { reply: [{ text: 'Done.' }] },
        ],
      })
      let asked = 0
      const answer = () => Promise.resolve(++asked > 0 ? 'Allow' : '')
      const lived = await runIn(home, { answer })
      await using _ = lived.io
      expect(lived.end).toMatchObject({ kind: 'complete', success: true, summary: 'Done.' })
      const turn = ['toolUse', 'toolResult']
      expect(tell(lived)).toEqual(['start', 'First.', ...turn, 'Then.', ...turn, 'Done.', 'usage'])
      expect(asked).toBe(2)
      expect(lived.lives).toBeGreaterThan(3)
      expect(lived.io.processes).toHaveLength(1)
    },
  )

  it('asks the same question again, and is answered by what was said meanwhile', async () => {
    await using home = await makeClaudeHome({ script: [{ reply: [TOUCH] }, { reply: [{ text: 'Done.' }] }] })
    const keys: (string | undefined)[] = []
    let latest: TestIo | undefined
    const lived = runIn(home, {
      onLife: (io) => (latest = io),
      // Nobody answers before the host has died with the question open, twice.
      answer: ({ key }) => (keys.push(key) > 2 ? Promise.resolve('Allow') : dieAsking(() => latest)),
    })
    const { end, io } = await lived
    await using _ = io
    expect(end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(keys).toEqual([keys[0], keys[0], keys[0]])
    expect(io.messages.filter(({ type }) => type === 'toolResult')).toMatchObject([{ success: true }])
  })

  it('uses a tool with what it had in mind, though a secret in it is masked in what was stored', async () => {
    const secret = { name: 'KEY', value: 'hunter2hunter2' }
    const write = { tool: 'Bash', input: { command: `printf %s ${secret.value} > made.txt` } }
    await using home = await makeClaudeHome({ script: [{ reply: [write] }, { reply: [{ text: 'Done.' }] }] })
    let [asked, latest]: [number, TestIo | undefined] = [0, undefined]
    const lived = await runIn(home, {
      secrets: [secret],
      onLife: (io) => (latest = io),
      answer: () => (++asked > 1 ? Promise.resolve('Allow') : dieAsking(() => latest)),
    })
    await using _ = lived.io
    expect(lived.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(readFileSync(join(home.workDir, 'made.txt'), 'utf8')).toBe(secret.value)
  })

  it('hears each follow-up once', async () => {
    await using home = await makeClaudeHome({
      script: [
        { gate: 'reply', reply: [{ text: 'First.' }] },
        { when: { lastUserText: 'zebra-one' }, reply: [{ text: 'Second.' }] },
        { reply: [{ text: 'Third.' }], times: 'always' },
      ],
    })
    let latest: TestIo | undefined
    const running = runIn(home, {
      onLife: (io, life) => {
        latest = io
        if (life === 1) io.say('zebra-one', 'zebra-two')
      },
    })
    await home.server.reached('reply')
    await expect.poll(() => latest?.acknowledged).toContain('follow-up-1')
    home.server.open('reply')
    const lived = await running
    await using _ = lived.io
    expect(lived.end).toMatchObject({ kind: 'complete', success: true })
    const turns = home.server.requests.filter(({ kind }) => kind === 'turn')
    const said = JSON.stringify(turns.at(-1)?.body)
    expect(['zebra-one', 'zebra-two'].map((word) => said.split(word).length - 1)).toEqual([1, 1])
    expect(lived.io.messages.filter(({ type }) => type === 'text').length).toBe(turns.length)
  })
})

/** Never answers: the host dies at the next commit, which a follow-up that is noted leads to. */
function dieAsking(io: () => TestIo | undefined): Promise<string> {
  io()?.died.resolve()
  return new Promise(() => {})
}
