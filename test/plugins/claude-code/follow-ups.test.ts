/** What people say in mid-session is taken up, whenever it comes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { claudeCode, claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import { lastSeen, ofType, startClaude } from './claude.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

describeWithClaude('a message in mid-session', () => {
  it('begins a turn of its own when the agent is about to end its first', async () => {
    await using claude = await startClaude({
      script: [
        { gate: 'reply', reply: [{ text: 'First.' }] },
        { when: { lastUserText: 'And more' }, reply: [{ text: 'Second.' }] },
      ],
    })
    await claude.server.reached('reply')
    claude.session.say('And more')
    claude.server.open('reply')
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Second.', usage: { outputTokens: 40 } })
    expect(ofType(claude, 'text').map(({ content }) => content)).toEqual(['First.', 'Second.'])
    expect(ofType(claude, 'error')).toEqual([])
  })

  it(
    'is taken into the turn while a tool waits, and the session ends with that turn',
    shows('claude-code', 'follow-up'),
    async () => {
      await using claude = await startClaude({
        script: [{ reply: [{ tool: 'Bash', input: { command: 'touch a' } }] }, { reply: [{ text: 'Both done.' }] }],
        answer: () => {
          claude.session.say('And more')
          return 'Allow'
        },
      })
      expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Both done.' })
      expect(lastSeen(claude)).toContain('And more')
      expect(ofType(claude, 'error')).toEqual([])
    },
  )

  it('is not lost among several, and starts a turn after one that failed', async () => {
    await using claude = await startClaude({
      script: [
        { when: { lastUserText: 'Two[^]*Three' }, reply: [{ text: 'Two and three.' }] },
        { gate: 'reply', status: 400, body: 'Too odd.', times: 'always' },
      ],
    })
    await claude.server.reached('reply')
    claude.session.say('Two')
    claude.session.say('Three')
    claude.server.open('reply')
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Two and three.' })
    expect(ofType(claude, 'error')).toMatchObject([{ code: 'AGENT_API', message: expect.stringContaining('Too odd.') }])
  })

  it('ends the session too with a version that does not report what became of it', async () => {
    using folder = makeTemporaryFolder()
    const older = join(folder.path, 'claude')
    const program = await claudeCode()
    writeFileSync(older, `#!/bin/sh\n'${program}' "$@" | grep --line-buffered -v command_lifecycle\n`, { mode: 0o755 })
    await using claude = await startClaude({
      script: [{ reply: [{ tool: 'Bash', input: { command: 'touch a' } }] }, { reply: [{ text: 'Both done.' }] }],
      session: { settings: { program: older } },
      answer: () => {
        claude.session.say('And more')
        return 'Allow'
      },
    })
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Both done.' })
    expect(lastSeen(claude)).toContain('And more')
  })

  it('that comes while the program ends is handed back', async () => {
    using folder = makeTemporaryFolder()
    const slow = join(folder.path, 'claude')
    writeFileSync(slow, `#!/bin/sh\n'${await claudeCode()}' "$@"\nwhile [ ! -e said ]; do sleep 0.05; done\n`, {
      mode: 0o755,
    })
    await using claude = await startClaude({
      script: [{ reply: [{ text: 'Done.' }] }],
      session: { settings: { program: slow } },
    })
    await claude.session.heard(({ type }) => type === 'usage')
    await setImmediate() // The end of the turn is heard right after its usage.
    claude.session.say('Too late')
    await setImmediate()
    writeFileSync(join(claude.workDir, 'said'), '')
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Done.', unheard: ['Too late'] })
    expect(ofType(claude, 'error')).toEqual([])
  })
})
