/**
 * What files of a repository can make Aider do before anybody is asked: nothing. The same files are tried with the permission of a
 * person, so that it is known that they would do their harm.
 */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findLoaded } from '../../../plugins/aider/trust.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { edit, startAider } from './aider.ts'

const SCRIPT = [{ reply: [{ text: 'Done.' }], times: 'always' as const }]
const describeWithAider = await requires('Aider', agentProbe('aider'))

/** Settings that have a command run at the start. */
const FILES = {
  '.aider.conf.yml': 'load: commands.txt\n',
  'commands.txt': '/run touch ran\n',
  '.env': 'PLANTED=yes\n',
}

describeWithAider('a hostile repository', () => {
  it('is loaded only when a person allows it', async () => {
    const hostile = { script: SCRIPT, files: FILES, session: { permissionMode: 'full' as const } }
    await using refused = await startAider({ ...hostile, answer: () => 'Stop' })
    expect(await refused.end).toMatchObject({
      code: 'AGENT_SETTINGS',
      message: expect.stringContaining('.aider.conf.yml'),
    })
    expect(refused.session.asked).toMatchObject([
      { kind: 'permission', question: expect.stringMatching(/\.aider\.conf\.yml\n\.env/) },
    ])
    expect(refused.session.commands).toEqual([])

    await using allowed = await startAider({ ...hostile, answer: () => 'Load them' })
    expect(await allowed.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(readdirSync(allowed.workDir)).toContain('ran')
  })

  it('is asked about again when the agent has made such a file, and what was to be said is handed back', async () => {
    await using aider = await startAider({
      script: [{ gate: 'reply', reply: [{ text: edit('.env', '', 'PLANTED=yes\n') }] }],
      session: { permissionMode: 'full' },
      answer: () => 'Stop',
    })
    await aider.server.reached('reply')
    aider.session.say('Go on')
    aider.server.open('reply')
    expect(await aider.end).toMatchObject({ code: 'AGENT_SETTINGS', unheard: ['Go on'] })
    expect(aider.session.commands).toHaveLength(1)
  })
})

describe('a worktree that cannot be read', () => {
  it('is not taken for one without such files', async () => {
    await expect(findLoaded('/nowhere')).rejects.toThrow('ENOENT')
  })
})
