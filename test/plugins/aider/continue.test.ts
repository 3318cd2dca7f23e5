/** The real Aider outlives its host: whenever that dies, nothing is lost and nothing comes twice. */
import { expect, it } from 'vitest'
import type { MessageBody } from '../../../core/contract/messages.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { runThroughCrashes } from '../../plugin/crashes.ts'
import { edit, makeAiderHome } from './aider.ts'

const describeWithAider = await requires('Aider', agentProbe('aider'))

const tell = (message: MessageBody): string[] => {
  if (message.type === 'raw') return []
  return message.type === 'text' ? [message.content.split('\n')[0] ?? ''] : [message.type]
}

describeWithAider('Aider whose host dies at every commit', () => {
  it('goes on with its turns, each said and told once, and asks once', shows('aider', 'crash'), async () => {
    await using home = await makeAiderHome({
      script: [{ reply: [{ text: `First.${edit('a.txt', '', 'a\n')}` }] }, { reply: [{ text: 'Last.' }] }],
    })
    let asked = 0
    const { end, io, lives } = await runThroughCrashes({
      session: home.toDo,
      io: { env: home.env, cwd: home.workDir, answer: () => Promise.resolve(++asked > 0 ? 'Yes' : '') },
      onLife: (life, number) => number === 1 && life.say('zebra'),
    })
    await using _ = io
    expect(end).toMatchObject({ kind: 'complete', summary: 'Last.' })
    expect(io.messages.flatMap(tell)).toEqual(['start', 'First.', 'toolUse', 'toolResult', 'usage', 'Last.', 'usage'])
    expect(asked).toBe(1)
    expect(lives).toBeGreaterThan(3)
    expect(io.processes).toHaveLength(2)
    const last = JSON.stringify(home.server.requests.findLast(({ kind }) => kind === 'turn')?.body)
    expect(['Do the task.', 'zebra'].map((word) => last.split(word).length - 1)).toEqual([1, 1])
  })
})
