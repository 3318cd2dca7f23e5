/** Gemini CLI outlives its host: whenever that dies, nothing is lost, nothing comes twice, and nothing is asked twice. */
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { runThroughCrashes } from '../../plugin/crashes.ts'
import { makeGeminiHome } from './gemini.ts'

const TOUCH = { tool: 'run_shell_command', input: { command: 'touch made.txt', description: 'Makes it' } }
const describeWithGemini = await requires('Gemini CLI', agentProbe('gemini-cli'))

/** Texts are joined: where they are cut is up to the agent. */
const tell = (messages: readonly MessageBody[]): string[] =>
  messages.flatMap((message) => {
    if (message.type === 'raw') return []
    return [message.type === 'text' ? message.content : message.type]
  })

describeWithGemini('Gemini CLI whose host dies at every commit', () => {
  it(
    'goes on with its tools and words, each told once, and asks once for each permission',
    shows('gemini-cli', 'crash'),
    async () => {
      await using home = await makeGeminiHome({
        script: [{ reply: [TOUCH] }, { reply: [TOUCH] }, { reply: [{ text: 'Done.' }] }],
      })
      const keys: (string | undefined)[] = []
      const answer = ({ key }: { key?: string }) => Promise.resolve(keys.push(key) > 0 ? 'Allow' : '')
      const lived = await runThroughCrashes({ session: home.toDo, io: { env: home.env, cwd: home.workDir, answer } })
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
})
