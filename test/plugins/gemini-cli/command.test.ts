/** The command line of Gemini CLI. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toCommand } from '../../../plugins/gemini-cli/command.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const RESUME = { agentSessionId: '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001' }

/** Runs the command with a program that prints a variable. */
function start(change: Parameters<typeof makeSession>[1], env: Record<string, string>) {
  const settings = { program: 'sh', args: [] }
  const { program, args } = toCommand(makeSession('gemini-cli', { ...change, settings }))
  const printing = args.map((arg) => (arg === '--acp' ? '-c' : arg))
  return spawn(program, [...printing, 'echo "$GEMINI_API_KEY,$GOOGLE_GEMINI_BASE_URL,${GOOGLE_API_KEY-unset}"'], {
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function printed(child: ReturnType<typeof start>): Promise<string> {
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  return text.trim()
}

describe('the command line of Gemini CLI', () => {
  it('joins values to their options, and ends with the arguments of the settings', () => {
    const settings = { program: '/opt/gemini', args: ['--debug'] }
    const { args } = toCommand(makeSession('gemini-cli', { prompt: '--help', model: '--version', settings }))
    expect(args.slice(2)).toEqual(['/opt/gemini', '--acp', '--model=--version', '--debug'])
  })

  it('trusts no repository', () => {
    expect(toCommand(makeSession('gemini-cli')).env).toMatchObject({ GEMINI_CLI_TRUST_WORKSPACE: 'false' })
  })

  it('sets what a repository could name otherwise, and the service for whoever has a key', async () => {
    expect(await printed(start({}, { GEMINI_API_KEY: 'k' }))).toBe('k,https://generativelanguage.googleapis.com,')
    expect(await printed(start({}, { GEMINI_API_KEY: 'k', GOOGLE_GEMINI_BASE_URL: 'u' }))).toBe('k,u,')
    expect(await printed(start({}, {}))).toBe(',,')
  })

  it('does not resume a conversation within the minute of its beginning', async () => {
    using home = makeTemporaryFolder()
    const chats = join(home.path, '.gemini/tmp/project/chats')
    mkdirSync(chats, { recursive: true })
    // This minute and those in which the test may go on.
    for (let minute = 0; minute < 5; minute++) {
      const time = new Date(Date.now() + minute * 60_000).toISOString().slice(0, 16).replace(':', '-')
      writeFileSync(join(chats, `session-${time}-6f0c7b3e.jsonl`), '')
    }
    const waited = join(home.path, 'waited')
    writeFileSync(join(home.path, 'sleep'), `#!/bin/sh\ntouch '${waited}'; exec /bin/sleep "$@"\n`, { mode: 0o755 })
    const child = start(
      { resume: RESUME },
      { HOME: home.path, PATH: `${home.path}:/usr/bin:/bin`, GEMINI_API_KEY: 'k' },
    )
    const text = printed(child)
    await expect.poll(() => existsSync(waited)).toBe(true)
    expect(child.exitCode).toBeNull()
    rmSync(chats, { recursive: true })
    expect(await text).toContain('k,')
  })
})
