/** Amp outlives its host, by its stand-in: whenever that dies, nothing is lost, nothing comes twice, and nothing is said twice. */
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import type { TestIo } from '../../helpers/plugin-io.ts'
import { runThroughCrashes } from '../../plugin/crashes.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { heardBy, makeAmpHome } from './amp.ts'

it(
  'a session whose host dies at every commit goes on with its turns, each told once',
  shows('amp', 'crash'),
  async () => {
    using home = makeAmpHome({
      turns: [
        { blocks: [{ tool: 'Bash', input: { cmd: 'while [ ! -e said ]; do sleep 0.05; done' } }, { text: 'First.' }] },
        { blocks: [{ tool: 'Bash', input: { cmd: 'echo made' } }, { text: 'Second.' }] },
      ],
    })
    let latest: TestIo | undefined
    const running = runThroughCrashes({
      session: home.toDo,
      io: { env: home.env, cwd: home.workDir },
      onLife: (io, life) => {
        latest = io
        if (life === 1) io.say('zebra-one', 'zebra-two')
      },
    })
    await expect.poll(() => latest?.acknowledged).toContain('follow-up-1')
    writeFileSync(join(home.workDir, 'said'), '')
    const lived = await running
    await using _ = lived.io
    expect(lived.end).toMatchObject({ kind: 'complete', success: true, summary: 'Second.' })
    const turn = ['toolUse', 'toolResult', 'text', 'usage']
    expect(lived.io.messages.map(({ type }) => type)).toEqual(['start', ...turn, ...turn])
    expect(lived.lives).toBeGreaterThan(3)
    expect(Object.values(heardBy(home)).flat()).toMatchObject([
      { said: ['Do the task.'] },
      { said: ['zebra-one\n\nzebra-two'] },
    ])
    expect(lived.io.processes).toHaveLength(2)
  },
)
