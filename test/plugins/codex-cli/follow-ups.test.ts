/** What people say in mid-session is taken up, whenever it comes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import { lastSeen, ofType, startCodex } from './codex.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

describeWithCodex('a message in mid-session', () => {
  it(
    'is taken into the turn while a tool waits, and the session ends with that turn',
    shows('codex-cli', 'follow-up'),
    async () => {
      await using codex = await startCodex({
        script: [
          { reply: [{ tool: 'exec_command', input: { cmd: 'touch a' } }] },
          { reply: [{ text: 'Both done.' }], times: 'always' },
        ],
        answer: () => {
          codex.session.say('And more')
          return 'Allow'
        },
      })
      expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Both done.' })
      expect(lastSeen(codex)).toContain('And more')
    },
  )

  it('comes before the first turn, and is part of it', async () => {
    await using codex = await startCodex({ script: [{ reply: [{ text: 'Done.' }], times: 'always' }] })
    codex.session.say('And more')
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(lastSeen(codex)).toContain('And more')
  })

  it('is kept by the conversation when its turn fails', async () => {
    await using first = await startCodex({
      script: [{ gate: 'first', status: 400, body: 'Too odd.', times: 'always' }],
    })
    await first.server.reached('first')
    first.session.say('And more')
    await expect.poll(() => first.session.lines.filter(({ text }) => text.startsWith('{"id":"say/'))).toHaveLength(2)
    first.server.open('first')
    expect(await first.end).toMatchObject({ kind: 'error', message: expect.stringContaining('Too odd.') })
    await using second = await startCodex({
      script: [{ reply: [{ text: 'Done.' }] }],
      session: { resume: { agentSessionId: ofType(first, 'start')[0]?.agentSessionId ?? '' } },
      after: first,
    })
    expect(await second.end).toMatchObject({ kind: 'complete' })
    expect(lastSeen(second).split('And more')).toHaveLength(2)
  })

  it('that comes while the program ends is handed back', async () => {
    using folder = makeTemporaryFolder()
    const slow = join(folder.path, 'codex')
    const late = 'while [ ! -e said ]; do sleep 0.05; done; kill $!'
    writeFileSync(
      slow,
      `#!/bin/bash\n'${await agentProgram('codex-cli')}' "$@" <&0 &\ntrap '${late}' TERM\nwait; wait\n`,
      {
        mode: 0o755,
      },
    )
    await using codex = await startCodex({
      script: [{ reply: [{ text: 'Done.' }] }],
      session: { settings: { program: slow } },
    })
    await codex.session.heard(({ type }) => type === 'usage')
    await setImmediate() // The end of the turn is heard right after its usage.
    codex.session.say('Too late')
    await setImmediate()
    writeFileSync(join(codex.workDir, 'said'), '')
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.', unheard: ['Too late'] })
    expect(ofType(codex, 'error')).toEqual([])
  })
})
