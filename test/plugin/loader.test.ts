import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FoundPlugin, findPlugins } from '../../core/plugin/loader.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-loader-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const agentFacts = { name: 'An agent', permissionModes: ['full'] }
const manifest = (name: string, agent = name) => ({
  name,
  version: '1.2.3',
  type: 'module',
  main: 'index.js',
  troupe: { contract: 1, agents: { [agent]: agentFacts } },
})

/** Writes a plugin to `<folder>/<place>`. */
async function write(place: string, json: unknown, main = 'index.js'): Promise<string> {
  const path = join(folder, place)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'package.json'), typeof json === 'string' ? json : JSON.stringify(json))
  if (main) await writeFile(join(path, main), '')
  return path
}

const find = (paths: readonly string[] = []) =>
  findPlugins({ bundled: join(folder, 'bundled'), dataDir: join(folder, 'data'), paths })

const only = async (path: string): Promise<FoundPlugin> => {
  const [found] = await find([path])
  if (!found) throw new Error('nothing was found')
  return found
}

test('plugins come from the bundled folder, the data directory and paths, in this order', async () => {
  const path = await write('elsewhere/c', manifest('c'))
  await write('data/plugins/b', manifest('b'))
  await write('bundled/a', manifest('a'))
  await writeFile(join(folder, 'bundled/README.md'), 'not a plugin')
  const found = await find([path])
  expect(found.map(({ source, status }) => `${source} ${status}`)).toEqual([
    'bundled ready',
    'path ready',
    'path ready',
  ])
})

test('of two plugins with one agent the first stays, and the second says who has it', async () => {
  await write('bundled/a', manifest('a', 'shared'))
  await write('data/plugins/b', manifest('b', 'shared'))
  const [first, second] = await find()
  expect(first?.status).toBe('ready')
  expect(second).toMatchObject({ status: 'broken', name: 'b', version: '1.2.3', error: { code: 'PLUGIN_MANIFEST' } })
  expect(second).toHaveProperty('error.message', expect.stringContaining('"shared" is there already, from a 1.2.3'))
})

test('of two plugins with one name the first stays', async () => {
  await write('bundled/a', manifest('a', 'one'))
  await write('data/plugins/a', manifest('a', 'two'))
  expect((await find()).map(({ status }) => status)).toEqual(['ready', 'broken'])
})

test('fields of package.json that are not ours may be anything', async () => {
  const path = await write('x', { ...manifest('x'), scripts: { test: 'x' }, private: true, anything: [1] })
  expect((await only(path)).status).toBe('ready')
})

test('main of TypeScript is found compiled', async () => {
  const path = await write('x', { ...manifest('x'), main: './index.ts' }, 'index.js')
  expect(await only(path)).toHaveProperty('url', expect.stringMatching(/\/x\/index\.js$/))
})

describe('a plugin is broken, with the reason, when', () => {
  const withAgent = (change: object) => ({
    ...manifest('x'),
    troupe: { contract: 1, agents: { x: { ...agentFacts, ...change } } },
  })

  test.for<[string, unknown, string]>([
    ['package.json is not JSON', '{', 'JSON'],
    ['package.json is not an object', '[]', 'expected object'],
    ['package.json nests without end', '['.repeat(500_000), 'package.json'],
    ['package.json is larger than 1 MiB', ' '.repeat(1024 * 1024 + 1), 'larger than 1 MiB'],
    ['there is no manifest', { name: 'x', version: '1' }, 'troupe'],
    ['the name is not one of a package', { ...manifest('x'), name: '../x' }, 'name'],
    ['there are no agents', { ...manifest('x'), troupe: { contract: 1, agents: {} } }, 'troupe.agents: names no agent'],
    ['an agent has a bad name', manifest('x', 'Not A Name'), 'not a name of an agent'],
    ['an agent has no permission mode', withAgent({ permissionModes: [] }), 'troupe.agents.x.permissionModes'],
    ['an agent has a field that is unknown', withAgent({ permisionModes: [] }), 'permisionModes'],
    ['a secret is not a name of a variable', withAgent({ secrets: ['A=B'] }), 'troupe.agents.x.secrets.0'],
    ['a name holds control characters', withAgent({ name: '\u001b[31m' }), 'control character'],
    ['main is missing', { ...manifest('x'), main: 'other.js' }, '"other.js"'],
    ['main is absolute', { ...manifest('x'), main: '/etc/passwd' }, 'outside'],
    ['main leaves the folder', { ...manifest('x'), main: '../../y.js' }, 'outside'],
    ['main is the folder', { ...manifest('x'), main: '.' }, 'outside'],
  ])('%s', async ([, json, reason]) => {
    const found = await only(await write('x', json))
    expect(found).toMatchObject({ status: 'broken', error: { code: 'PLUGIN_MANIFEST' } })
    expect(found).toHaveProperty('error.message', expect.stringContaining(reason))
  })

  test('main is a symbolic link', async () => {
    const path = await write('x', manifest('x'), '')
    await symlink('/etc/hostname', join(path, 'index.js'))
    expect(await only(path)).toHaveProperty('error.message', expect.stringContaining('symbolic link'))
  })

  test('main is in a folder that is a symbolic link', async () => {
    const outside = await write('outside', {})
    const path = await write('x', { ...manifest('x'), main: 'lib/index.js' }, '')
    await symlink(outside, join(path, 'lib'))
    expect(await only(path)).toHaveProperty('error.message', expect.stringContaining('symbolic link'))
  })

  test('package.json is a named pipe', async () => {
    const path = join(folder, 'x')
    await mkdir(path)
    execFileSync('mkfifo', [join(path, 'package.json')])
    expect(await only(path)).toHaveProperty('error.message', expect.stringContaining('is not a file'))
  })

  test('it needs another contract, whatever else its manifest has', async () => {
    const path = await write('x', { name: 'x', version: '1', troupe: { contract: 7, tools: [] } })
    expect(await only(path)).toMatchObject({ error: { code: 'PLUGIN_CONTRACT', details: { needed: 7, has: 1 } } })
  })

  test('its folder is not there', async () => {
    expect(await only(join(folder, 'nowhere'))).toMatchObject({ status: 'broken', name: 'nowhere' })
  })
})
