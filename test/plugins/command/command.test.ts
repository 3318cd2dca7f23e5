import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../core/base/clock.ts'
import { silentLogger } from '../../../core/base/logger.ts'
import { makeDetectHost } from '../../../core/plugin/detect-io.ts'
import type { AgentSettings } from '../../../core/plugin/contract/index.ts'
import { type PluginHost, openPluginHost } from '../../../core/plugin/plugin-host.ts'
import { shows } from '../../helpers/abilities.ts'
import { TestIo, makeSession } from '../../helpers/plugin-io.ts'

let host: PluginHost
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-command-'))
  host = await openPluginHost({ logger: silentLogger, clock: systemClock })
})

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const start = (prompt: string, settings: AgentSettings = { args: [] }, stop = new AbortController()) => {
  const io = new TestIo({ cwd: folder })
  onTestFinished(() => io[Symbol.asyncDispose]())
  return {
    io,
    stop,
    end: host.run({
      session: makeSession('command', { prompt, settings, workDir: folder }),
      io,
      signal: stop.signal,
    }),
  }
}

const writeScript = async (name: string, text: string) => {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return path
}

test(
  'the prompt is run as a command line, and what it prints is logged',
  shows('command', 'start', 'text', 'tools'),
  async () => {
    const { io, end } = start('echo one; echo two; pwd')
    expect(await end).toEqual({ kind: 'complete', success: true, summary: folder })
    expect(io.messages.slice(0, 2)).toEqual([
      { type: 'start', agent: 'command', workDir: folder },
      {
        type: 'toolUse',
        toolUseId: 'command',
        toolName: 'command',
        input: { command: 'echo one; echo two; pwd' },
        kind: 'command',
      },
    ])
    expect(io.texts().join('\n')).toBe(`one\ntwo\n${folder}`)
    expect(io.messages.at(-1)).toEqual({
      type: 'toolResult',
      toolUseId: 'command',
      toolName: 'command',
      output: { code: 0 },
      success: true,
    })
  },
)

test('a program that is set gets the prompt as its last argument and in TROUPE_PROMPT', async () => {
  const program = await writeScript('show', 'for a; do echo "<$a>"; done; echo "$TROUPE_PROMPT"')
  const { io, end } = start('-x; rm -rf "$HOME"', { program, args: ['--flag'] })
  await end
  expect(io.texts().join('\n')).toBe('<--flag>\n<-x; rm -rf "$HOME">\n-x; rm -rf "$HOME"')
})

test('a failure has the exit code and the last line of stderr', async () => {
  const { io, end } = start('echo so far; echo first >&2; echo it broke >&2; exit 3')
  expect(await end).toEqual({
    kind: 'error',
    code: 'AGENT_EXITED',
    message: 'The command exited with code 3: it broke',
  })
  expect(io.messages.at(-1)).toMatchObject({ type: 'toolResult', success: false, output: { code: 3 } })
  const raw = io.messages.flatMap((message) => (message.type === 'raw' ? [message] : []))
  expect(raw.map(({ stream }) => stream)).toContain('stderr')
  expect(raw.map(({ content }) => content).join('\n')).toBe('first\nit broke')
})

test('a script may speak messages, and stays in order with what it prints', async () => {
  const program = await writeScript(
    'speak',
    `echo before
echo '{"type":"thinking","content":"hm"}'
echo '{"type":"text","content":"said"}'
echo '{"type":"text"}'`,
  )
  const { io, end } = start('go', { program, args: [] })
  await end
  expect(io.messages.slice(2, -1)).toEqual([
    { type: 'text', content: 'before' },
    { type: 'thinking', content: 'hm' },
    { type: 'text', content: 'said' },
    { type: 'text', content: '{"type":"text"}' },
  ])
})

test('many lines are joined to few messages, and none is lost', async () => {
  const { io, end } = start('seq 1 50000')
  await end
  const lines = io.texts().join('\n').split('\n')
  expect(lines).toEqual(Array.from({ length: 50_000 }, (_, index) => String(index + 1)))
  expect(io.texts().length).toBeLessThan(2000)
  expect(Math.max(...io.texts().map((text) => text.length))).toBeLessThanOrEqual(16 * 1024)
})

test('a program that is missing is named', async () => {
  const { io, end } = start('go', { program: 'no-such-program', args: [] })
  expect(await end).toMatchObject({
    kind: 'error',
    code: 'AGENT_NOT_INSTALLED',
    message: expect.stringContaining('"no-such-program"'),
  })
  expect(io.messages).toEqual([])
})

test('a command that is stopped is ended', shows('command', 'interrupt'), async () => {
  const { io, end, stop } = start('echo at work; sleep 300')
  await expect.poll(() => io.texts()).toEqual(['at work'])
  stop.abort()
  expect(await end).toEqual({ kind: 'stopped' })
  expect(await io.processes[0]?.exited).toMatchObject({ code: null })
})

test('a follow-up is refused in the log, and the command goes on', async () => {
  const { io, end } = start('while [ ! -e go-on ]; do sleep 0.05; done; echo done')
  io.say('hurry up')
  await expect.poll(() => io.messages.at(-1)).toMatchObject({ type: 'error', code: 'UNSUPPORTED' })
  await writeFile(join(folder, 'go-on'), '')
  expect(await end).toMatchObject({ kind: 'complete', summary: 'done' })
})

test('a command reads nothing: its input is empty', async () => {
  const { end } = start('cat; echo over')
  expect(await end).toMatchObject({ kind: 'complete', summary: 'over' })
})

test('the shell, or the program that is set, is detected', async () => {
  const machine = makeDetectHost({ env: { PATH: '/usr/bin:/bin' }, hasSecret: () => Promise.resolve(false) })
  expect(await host.detect('command', { args: [] }, machine)).toMatchObject({ installed: true, signedIn: 'yes' })
  expect(await host.detect('command', { program: 'no-such-program', args: [] }, machine)).toMatchObject({
    installed: false,
    hint: expect.stringContaining('"no-such-program"'),
  })
})

test('the plugin is one like any other: its manifest is valid', () => {
  expect(host.plugins()).toContainEqual(
    expect.objectContaining({ name: '@troupe/command', source: 'bundled', status: 'ready', agents: ['command'] }),
  )
})
