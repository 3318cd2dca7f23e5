/** The password of OpenCode's server: without it nobody is served, and commands do not inherit it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PASSWORD, writeShell } from '../../../plugins/opencode/shell.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import { bash, ofType, startOpenCode } from './opencode.ts'

const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

describe('the shell for commands', () => {
  const say = (shell: string) => {
    const env = { SHELL: shell, [PASSWORD]: 'secret' }
    return spawnSync(shell, ['-c', `echo "$SHELL $1 \${${PASSWORD}-none}"`, 'name', 'given'], { env, encoding: 'utf8' })
      .stdout
  }

  it('is that of the user, without the password', () => {
    using folder = makeTemporaryFolder()
    const own = join(folder.path, "it's mine", 'zsh')
    mkdirSync(join(folder.path, "it's mine"))
    symlinkSync('/bin/sh', own)
    const shell = writeShell(join(folder.path, 'scratch'), own)
    expect(basename(shell)).toBe('zsh')
    expect(say(shell)).toBe(`${own} given none\n`)
  })

  it('is one that OpenCode takes where the user has none or another', () => {
    using folder = makeTemporaryFolder()
    for (const other of [undefined, '', '/usr/bin/fish']) {
      expect(say(writeShell(folder.path, other))).toMatch(/^\/bin\/(ba)?sh given none\n$/)
    }
  })
})

describe('a server that serves anybody', () => {
  it('is ended before anything is said to it', async () => {
    using folder = makeTemporaryFolder()
    const asked: unknown[] = []
    await using server = createServer(({ url }, response) => {
      asked.push(url)
      response.end('[]')
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const program = join(folder.path, 'opencode')
    const line = `opencode server listening on http://127.0.0.1:${port}`
    writeFileSync(program, `#!/bin/sh\necho ${line}\nexec sleep 600\n`, { mode: 0o700 })
    await using agent = await startOpenCode({ script: [], session: { settings: { program } } })
    expect(await agent.end).toMatchObject({
      code: 'AGENT_EXITED',
      message: expect.stringContaining('without the password'),
    })
    expect(asked).toEqual(['/session'])
    expect(agent.session.descendants()).toEqual([])
  })
})

describeWithOpenCode('a command of OpenCode', () => {
  it('does not inherit the password', async () => {
    await using agent = await startOpenCode({
      script: [{ reply: [bash(`echo "$SHELL"; env | grep -c ${PASSWORD}`)] }, { reply: [{ text: 'Done.' }] }],
      session: { permissionMode: 'full' },
    })
    expect(await agent.end).toMatchObject({ kind: 'complete' })
    expect(ofType(agent, 'toolResult')).toMatchObject([{ output: expect.stringMatching(/^\/bin\/(ba)?sh\n0\n$/) }])
  })
})
