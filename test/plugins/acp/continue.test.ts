/** Agents over ACP outlive their host: whenever that dies, nothing is lost, nothing comes twice, and nothing is said twice. */
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import type { TestIo, TestIoOptions } from '../../helpers/plugin-io.ts'
import { type Lives, runThroughCrashes } from '../../plugin/crashes.ts'
import { type AcpHome, makeAcpHome, requiresAcp } from './acp-session.ts'

const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const describeWithClaude = await requiresAcp('claude-agent-acp')

interface Crashing extends Omit<TestIoOptions, 'env' | 'cwd'> {
  readonly onLife?: (io: TestIo, life: number) => void
}

const runIn = ({ env, workDir, toDo }: AcpHome, { onLife, ...io }: Crashing): Promise<Lives> =>
  runThroughCrashes({ session: toDo, io: { env, cwd: workDir, ...io }, ...(onLife && { onLife }) })

/** Texts are joined: where they are cut is up to the agent. */
const tell = (messages: readonly MessageBody[]): string[] =>
  messages.flatMap((message) => {
    if (message.type === 'raw') return []
    if (message.type === 'text') return [message.content]
    return [message.type === 'toolResult' && !message.success ? 'failed' : message.type]
  })

describeWithClaude('an agent over ACP whose host dies at every commit', () => {
  it(
    'goes on with its tools and words, each told once, and asks once for each permission',
    shows('acp', 'crash'),
    async () => {
      await using home = await makeAcpHome({
        script: [{ reply: [TOUCH] }, { reply: [TOUCH] }, { reply: [{ text: 'Done.' }] }],
      })
      const keys: (string | undefined)[] = []
      const lived = await runIn(home, { answer: ({ key }) => Promise.resolve(keys.push(key) > 0 ? 'Yes' : '') })
      await using _ = lived.io
      expect(lived.end).toMatchObject({ kind: 'complete', success: true, summary: 'Done.' })
      const turn = ['toolUse', 'toolResult']
      expect(tell(lived.io.messages)).toEqual(['start', ...turn, ...turn, 'Done.', 'usage'])
      expect(new Set(keys).size).toBe(2)
      expect(keys).toHaveLength(2)
      expect(lived.lives).toBeGreaterThan(5)
      expect(lived.io.processes).toHaveLength(1)
      expect(home.server.requests.filter(({ kind }) => kind === 'turn')).toHaveLength(3)
    },
  )

  it('hears each follow-up once', async () => {
    await using home = await makeAcpHome({
      script: [
        { gate: 'reply', reply: [{ text: 'First.' }] },
        { reply: [{ text: 'Second.' }], times: 'always' },
      ],
    })
    let latest: TestIo | undefined
    const running = runIn(home, { onLife: (io) => (latest = io) })
    await home.server.reached('reply')
    latest?.say('zebra-one', 'zebra-two')
    await expect.poll(() => latest?.acknowledged).toContain('follow-up-1')
    home.server.open('reply')
    const lived = await running
    await using _ = lived.io
    expect(lived.end).toMatchObject({ kind: 'complete', summary: 'Second.' })
    const said = JSON.stringify(home.server.requests.findLast(({ kind }) => kind === 'turn')?.body)
    expect(['zebra-one', 'zebra-two'].map((word) => said.split(word).length - 1)).toEqual([1, 1])
    expect(tell(lived.io.messages).filter((word) => word === 'First.')).toHaveLength(1)
  })
})
