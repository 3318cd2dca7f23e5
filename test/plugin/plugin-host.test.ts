import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Logger } from '../../core/base/logger.ts'
import { makeDetectHost } from '../../core/plugin/detect-io.ts'
import type { PluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { openFixtureHost } from './setup.ts'

/** Code that a test writes into a plugin of its own. */
const plugin = (running: string, detecting = "return { installed: true, signedIn: 'yes' }") => `
  import { threadId } from 'node:worker_threads'
  import { CONTRACT_VERSION, definePlugin } from 'troupe/plugin'
  globalThis.runs ??= 0
  export default definePlugin({ agents: { own: {
    detect: async (io) => { ${detecting} },
    run: async (session, io) => {
      const say = (content) => io.emit({ type: 'text', content: String(content) })
      ${running}
      return { kind: 'complete', success: true }
    },
  } } })`

const manifest = {
  name: 'own-plugin',
  version: '1.0.0',
  type: 'module',
  main: 'index.js',
  troupe: { contract: 1, agents: { own: { name: 'Own', permissionModes: ['ask', 'full'], secrets: ['OWN_KEY'] } } },
}

let folder: string
let host: PluginHost
const logged: { fields: object; text: string }[] = []
const note = (fields: object, text: string) => void logged.push({ fields, text })
const logger: Logger = { debug: note, info: note, warn: note, error: note }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-plugin-'))
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'index.js'), plugin(''))
  host = await openFixtureHost({ bundled: join(folder, 'none'), paths: [folder], logger })
})

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const settings = { args: [] }
const detectHost = makeDetectHost({ env: { PATH: '/usr/bin:/bin', HOME: '/' }, hasSecret: () => Promise.resolve(true) })

/** Runs the plugin with this code; what it said. */
async function run(code: string): Promise<string[]> {
  await writeFile(join(folder, 'index.js'), plugin(code))
  await using io = new TestIo()
  expect(await host.run({ session: makeSession('own'), io, signal: new AbortController().signal })).toMatchObject({
    success: true,
  })
  return io.texts()
}

async function detect(code: string) {
  await writeFile(join(folder, 'index.js'), plugin('', code))
  return host.detect('own', settings, detectHost)
}

test('plugins and their agents are listed from the manifest', () => {
  expect(host.plugins()).toEqual([
    {
      name: 'own-plugin',
      version: '1.0.0',
      source: 'path',
      isolation: 'thread',
      path: folder,
      status: 'ready',
      agents: ['own'],
    },
  ])
  expect(host.agents()).toEqual([
    { agent: 'own', name: 'Own', plugin: 'own-plugin', permissionModes: ['ask', 'full'], secrets: ['OWN_KEY'] },
  ])
})

test('a plugin anywhere on the disk gets the contract of its host', async () => {
  expect(await run('await say(CONTRACT_VERSION)')).toEqual(['1'])
})

test('every session begins in a fresh thread with the code as it is on the disk now', async () => {
  const first = await run('await say(threadId); await say(++globalThis.runs)')
  const second = await run('await say(threadId); await say(++globalThis.runs); await say("changed")')
  expect(first[1]).toBe('1')
  expect(second[1]).toBe('1')
  expect(second[0]).not.toBe(first[0])
  expect(second[2]).toBe('changed')
})

test.for([
  { kind: 'complete', success: false, summary: 's', usage: { inputTokens: 1, outputTokens: 2 }, unheard: ['late'] },
  {
    kind: 'error',
    code: 'AGENT_QUOTA',
    message: 'm',
    retryable: true,
    resetsAt: '2030-01-01T00:00:00Z',
    unheard: ['late'],
  },
  { kind: 'stopped' },
])('a session ends with all that its plugin says: $kind', async (end) => {
  await writeFile(join(folder, 'index.js'), plugin(`return ${JSON.stringify(end)}`))
  await using io = new TestIo()
  expect(await host.run({ session: makeSession('own'), io, signal: new AbortController().signal })).toEqual(end)
})

test('what a plugin prints goes to the debug log', async () => {
  logged.length = 0
  await run('console.log("to the log"); console.error("this too"); await new Promise((done) => setTimeout(done, 200))')
  await expect
    .poll(() => logged)
    .toContainEqual({
      fields: { thread: expect.any(Number), stream: 'stdout', text: 'to the log\n' },
      text: 'a plugin printed',
    })
  expect(logged).toContainEqual(expect.objectContaining({ fields: expect.objectContaining({ stream: 'stderr' }) }))
})

test('a plugin does not see the environment of its host', async () => {
  process.env['TROUPE_TEST_SECRET'] = 'hunter2'
  const [seen] = await run('await say(JSON.stringify(process.env))')
  delete process.env['TROUPE_TEST_SECRET']
  expect(seen).not.toContain('hunter2')
  expect(JSON.parse(seen ?? '')).toHaveProperty('PATH')
})

test('an agent is detected by its plugin', async () => {
  const code = `
    const program = await io.find('sh')
    const { code, stdout } = await io.run(program, ['-c', 'echo 1.2.3'])
    return { installed: code === 0, program, version: stdout.trim(), signedIn: await io.hasSecret('X') ? 'yes' : 'no' }`
  expect(await detect(code)).toEqual({
    installed: true,
    program: expect.stringMatching(/\/sh$/),
    version: '1.2.3',
    signedIn: 'yes',
  })
})

test.for([
  ['throws', 'throw new Error("no idea")', 'no idea'],
  ['exits', 'process.exit(1)', 'exit code 1'],
  ['answers nonsense', 'return { installed: "perhaps" }', 'installed'],
])('a plugin that %s while it looks for its agent has not found it', async ([, code = '', reason = '']) => {
  expect(await detect(code)).toEqual({ installed: false, signedIn: 'unknown', hint: expect.stringContaining(reason) })
})

test('a plugin that never answers while it looks for its agent has not found it', async () => {
  await writeFile(join(folder, 'index.js'), plugin('', 'await new Promise(() => {})'))
  await using hasty = await openFixtureHost({
    bundled: join(folder, 'none'),
    paths: [folder],
    limits: { detectMs: 500 },
  })
  const detection = await hasty.detect('own', settings, detectHost)
  expect(detection).toMatchObject({ installed: false, hint: expect.stringContaining('did not finish within 500 ms') })
})

test('an agent that no plugin offers is refused by name', async () => {
  await expect(host.detect('nobody', settings, detectHost)).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
  const end = await host.run({ session: makeSession('nobody'), io: new TestIo(), signal: new AbortController().signal })
  expect(end).toMatchObject({ kind: 'error', code: 'AGENT_NOT_FOUND', message: expect.stringContaining('own') })
})

test('a plugin whose code does not load is broken until it does', async () => {
  const good = await readFile(join(folder, 'index.js'), 'utf8')
  await writeFile(join(folder, 'index.js'), 'const oops =')
  expect((await host.check())[0]).toMatchObject({ status: 'broken', error: { code: 'PLUGIN_LOAD' } })
  expect(host.plugins()[0]?.status).toBe('broken')
  await writeFile(join(folder, 'index.js'), good)
  expect((await host.check())[0]).toMatchObject({ status: 'ready' })
})

test('a plugin that appears is there after a reload', async () => {
  await using fresh = await openFixtureHost({ bundled: join(folder, 'none'), dataDir: join(folder, 'data') })
  expect(fresh.agents()).toEqual([])
  const { cp } = await import('node:fs/promises')
  for (const file of ['package.json', 'index.js']) {
    await cp(join(folder, file), join(folder, 'data/plugins/own', file))
  }
  await fresh.reload()
  expect(fresh.agents().map(({ agent }) => agent)).toEqual(['own'])
})

test('sessions at work end when the host is disposed', async () => {
  const closing = await openFixtureHost()
  const io = new TestIo()
  const end = closing.run({ session: makeSession('ignores-stop'), io, signal: new AbortController().signal })
  await expect.poll(() => io.texts()).toEqual(['nothing stops me'])
  await closing[Symbol.asyncDispose]()
  expect(await end).toMatchObject({ kind: 'interrupted', error: { code: 'ABORTED' } })
})
