/** The real Codex outlives its host: whenever that dies, nothing is lost and nothing comes twice. */
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import type { TestIo, TestIoOptions } from '../../helpers/plugin-io.ts'
import { requires } from '../../helpers/requirement.ts'
import { type Lives, runThroughCrashes } from '../../plugin/crashes.ts'
import { type CodexHome, makeCodexHome } from './codex.ts'

const TOUCH = { tool: 'exec_command', input: { cmd: 'touch made.txt' } }
const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

interface Crashing extends Omit<TestIoOptions, 'env' | 'cwd'> {
  readonly onLife?: (io: TestIo, life: number) => void
}

const runIn = ({ env, workDir, toDo }: CodexHome, { onLife, ...io }: Crashing): Promise<Lives> =>
  runThroughCrashes({
    session: toDo,
    io: { env, cwd: workDir, ...io },
    ...(onLife && { onLife }),
  })

const tell = ({ io }: Lives): string[] => io.messages.flatMap(tellMessage)

const tellMessage = (message: MessageBody): string[] => {
  if (message.type === 'text') return [message.content]
  if (message.type === 'raw') return []
  return [message.type === 'toolResult' && !message.success ? 'failed' : message.type]
}

/** How often the model was told each of these, at last. */
const heard = ({ server }: CodexHome, ...words: readonly string[]): number[] => {
  const last = JSON.stringify(server.requests.findLast(({ kind }) => kind === 'turn')?.body)
  return words.map((word) => last.split(word).length - 1)
}

describeWithCodex('Codex whose host dies at every commit', () => {
  it(
    'goes on with its tools and words, each told once, and asks once for each permission',
    shows('codex-cli', 'crash'),
    async () => {
      await using home = await makeCodexHome({
        script: [
          { reply: [{ text: 'First.' }, TOUCH] },
          { reply: [{ text: 'Then.' }, TOUCH] },
          { reply: [{ text: 'Done.' }] },
        ],
      })
      let asked = 0
      const lived = await runIn(home, { answer: () => Promise.resolve(++asked > 0 ? 'Allow' : '') })
      await using _ = lived.io
      expect(lived.end).toMatchObject({ kind: 'complete', success: true, summary: 'Done.' })
      const turn = ['toolUse', 'toolResult']
      expect(tell(lived)).toEqual(['start', 'First.', ...turn, 'Then.', ...turn, 'Done.', 'usage'])
      expect(heard(home, 'Do the task.')).toEqual([1])
      expect(asked).toBe(2)
      expect(lived.lives).toBeGreaterThan(5)
      expect(lived.io.processes).toHaveLength(1)
    },
  )

  it('asks the same question again, and is answered by what was said meanwhile', async () => {
    await using home = await makeCodexHome({ script: [{ reply: [TOUCH] }, { reply: [{ text: 'Done.' }] }] })
    const keys: (string | undefined)[] = []
    let latest: TestIo | undefined
    const { end, io } = await runIn(home, {
      onLife: (life) => (latest = life),
      // Nobody answers before the host has died with the question open, twice.
      answer: ({ key }) => (keys.push(key) > 2 ? Promise.resolve('Allow') : dieAsking(() => latest)),
    })
    await using _ = io
    expect(end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(keys).toEqual([keys[0], keys[0], keys[0]])
    expect(io.messages.filter(({ type }) => type === 'toolResult')).toMatchObject([{ success: true }])
  })

  it('hears each follow-up once', async () => {
    await using home = await makeCodexHome({
      script: [
        { gate: 'reply', reply: [{ text: 'First.' }] },
        { reply: [{ text: 'Last.' }], times: 'always' },
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
    expect(heard(home, 'Do the task.', 'zebra-one', 'zebra-two')).toEqual([1, 1, 1])
  })

  it('carries out a plan that was approved meanwhile', async () => {
    const plan = '<proposed_plan>\n# Touch it\n</proposed_plan>\n'
    await using home = await makeCodexHome({
      script: [{ reply: [{ text: plan }] }, { reply: [TOUCH] }, { reply: [{ text: 'Done.' }] }],
      session: { permissionMode: 'plan' },
    })
    const lived = await runIn(home, { answer: () => Promise.resolve('Approve and accept edits') })
    await using _ = lived.io
    expect(lived.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(tell(lived)).toEqual(['start', '# Touch it', 'usage', 'toolUse', 'toolResult', 'Done.', 'usage'])
    expect(heard(home, 'Implement the plan.')).toEqual([1])
  })
})

/** Never answers: the host dies at the next commit, which a follow-up that is noted leads to. */
function dieAsking(io: () => TestIo | undefined): Promise<string> {
  io()?.died.resolve()
  return new Promise(() => {})
}
