/** The real OpenCode outlives its host: whenever that dies, nothing is lost and nothing comes twice. */
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { runThroughCrashes } from '../../plugin/crashes.ts'
import { bash, makeOpenCodeHome } from './opencode.ts'

const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

const tell = (message: MessageBody): string[] => {
  if (message.type === 'raw') return []
  return [message.type === 'text' ? message.content : message.type]
}

describeWithOpenCode('OpenCode whose host dies at every commit', () => {
  it(
    'goes on with its tools and words, each said and told once, and asks once',
    shows('opencode', 'crash'),
    async () => {
      await using home = await makeOpenCodeHome({
        script: [
          { reply: [{ text: 'First.' }, bash('echo made >> made.txt')] },
          { gate: 'then', reply: [{ text: 'Then.' }] },
          { reply: [{ text: 'Last.' }], times: 'always' },
        ],
      })
      let asked = 0
      const running = runThroughCrashes({
        session: home.toDo,
        io: { env: home.env, cwd: home.workDir, answer: () => Promise.resolve(++asked > 0 ? 'Allow' : '') },
        onLife: (life, number) => number === 1 && life.say('zebra'),
      })
      await home.server.reached('then')
      home.server.open('then')
      const { end, io, lives } = await running
      await using _ = io
      expect(end.kind === 'error' ? end.message : end.kind).toBe('complete')
      const told = io.messages.flatMap(tell)
      expect(told.slice(0, 4).toSorted()).toEqual(['First.', 'start', 'toolResult', 'toolUse'])
      expect(told.filter((word) => word === 'start' || word === 'First.' || word === 'toolUse')).toHaveLength(3)
      expect(told.at(-1)).toBe('usage')
      expect(asked).toBe(1)
      expect(lives).toBeGreaterThan(5)
      expect(io.processes).toHaveLength(1)
      const last = JSON.stringify(home.server.requests.findLast(({ kind }) => kind === 'turn')?.body)
      expect(['Do the task.', 'zebra'].map((word) => last.split(word).length - 1)).toEqual([1, 1])
    },
  )
})
