import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PluginManager } from '../../core/plugin/installed/plugin-manager.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { InstallLab } from './install-lab.ts'
import { openNpmRegistry, pack } from './npm-registry.ts'

let lab: InstallLab
let manager: PluginManager

beforeEach(async () => {
  lab = new InstallLab()
  manager = await lab.open()
})

afterEach(() => lab[Symbol.asyncDispose]())

const never = () => new AbortController().signal
const install = (source: string) => manager.install(source, { signal: never() })
const update = (name = 'my-plugin') => manager.update(name, { signal: never() })
const thrown = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )

describe('a plugin in a folder', () => {
  test('runs none of its code before the user agrees to what it wants, and then does at once', async () => {
    const folder = lab.write('src', {
      secrets: ['MY_TOKEN'],
      troupe: { programs: ['my-program'], network: ['api.example.com'] },
    })
    const plugin = await install(folder)
    expect(plugin).toMatchObject({
      name: 'my-plugin',
      status: 'unconfirmed',
      isolation: 'process',
      installation: {
        from: folder,
        contentHash: expect.stringMatching(/^sha256-/),
        unconfirmed: {
          version: '1.0.0',
          wishes: { secrets: ['MY_TOKEN'], programs: ['my-program'], network: ['api.example.com'] },
        },
      },
    })
    expect((await lab.say()).end).toMatchObject({ kind: 'error', code: 'AGENT_NOT_FOUND' })
    expect(await thrown(manager.confirm('my-plugin', 'other'))).toMatchObject({ code: 'CONFLICT' })
    await manager.confirm('my-plugin', plugin.installation?.unconfirmed?.wishesHash ?? '')
    expect(lab.info()).toMatchObject({ status: 'ready', agents: ['my-agent'] })
    const said = await lab.say()
    expect(said.end).toEqual({ kind: 'complete', success: true })
    expect(said.texts[0]).toContain(join(lab.plugins, 'my-plugin/1.0.0-'))
  })

  test('is there after the host starts again, disabled as it was, and removed without a trace', async () => {
    await lab.add(manager, lab.write('src'))
    await manager.setEnabled('my-plugin', false)
    manager = await lab.open()
    expect(lab.info()).toMatchObject({ status: 'disabled' })
    expect((await lab.say()).end).toMatchObject({ code: 'AGENT_NOT_FOUND' })
    expect(await manager.setEnabled('my-plugin', true)).toMatchObject({ status: 'ready' })
    await manager.remove('my-plugin')
    expect(lab.info()).toBeUndefined()
    expect(lab.left()).toEqual([])
    expect(await thrown(manager.remove('my-plugin'))).toMatchObject({ code: 'PLUGIN_NOT_FOUND' })
  })

  test('is refused when one of its files was changed after it was installed, until it is installed again', async () => {
    await lab.add(manager, lab.write('src'))
    const { path = '' } = lab.info() ?? {}
    const good = readFileSync(join(path, 'index.js'), 'utf8')
    appendFileSync(join(path, 'index.js'), '\n// harmless')
    expect((await lab.say()).end).toMatchObject({ kind: 'error', code: 'PLUGIN_CHANGED' })
    expect(lab.info()).toMatchObject({ status: 'broken', error: { code: 'PLUGIN_CHANGED' } })
    writeFileSync(join(path, 'index.js'), good)
    expect((await lab.say()).end).toMatchObject({ kind: 'complete' })
    writeFileSync(join(path, 'more.js'), '')
    manager = await lab.open()
    expect(lab.info()).toMatchObject({ status: 'broken', error: { code: 'PLUGIN_CHANGED' } })
  })

  test('that does not load is listed with its reason, and others are as they were', async () => {
    const folder = lab.write('src')
    writeFileSync(join(folder, 'index.js'), 'const oops =')
    expect(await lab.add(manager, folder)).toMatchObject({ status: 'broken', error: { code: 'PLUGIN_LOAD' } })
    expect((await lab.say('script-agent')).end).toMatchObject({ kind: expect.stringMatching(/complete|error/) })
  })

  test('may start only the programs that its manifest names', async () => {
    const says = (program: string) =>
      `io.spawn({ program: ${JSON.stringify(program)}, args: ['-c', 'true'] }).then((p) => p.exited).then(({ code }) => 'exit ' + code, (e) => e.message)`
    await lab.add(manager, lab.write('src', { says: says('sh') }))
    expect((await lab.say()).texts).toEqual([expect.stringContaining('tried to start "sh"')])
    await lab.add(manager, lab.write('src', { says: says('sh'), version: '1.0.1', troupe: { programs: ['sh'] } }))
    expect((await lab.say()).texts).toEqual(['exit 0'])
  })

  test('may be TypeScript that nobody compiled', async () => {
    const says = '((text: string): string => text)("typed")'
    await lab.add(manager, lab.write('src', { says, fields: { main: 'index.ts' } }))
    expect((await lab.say()).texts).toEqual(['typed'])
  })

  test('is refused when another has its agent or its name', async () => {
    const agent = await thrown(install(lab.write('src', { agent: 'echo-agent' })))
    expect(agent).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('fixture-echo-agent') })
    const name = await thrown(install(lab.write('other', { name: 'fixture-throws' })))
    expect(name).toMatchObject({ code: 'CONFLICT' })
    expect(lab.left()).toEqual([])
  })
})

describe('a package of a registry', () => {
  test('is installed in the version that the range allows, with its checksum, and brought up to date', async () => {
    await using registry = await openNpmRegistry()
    lab.useRegistry(registry.url)
    for (const version of ['1.0.0', '1.1.0', '2.0.0']) {
      registry.publish(lab.write(`src-${version}`, { name: '@me/my-plugin', version }))
    }
    const plugin = await lab.add(manager, '@me/my-plugin@^1.0.0')
    expect(plugin).toMatchObject({ version: '1.1.0', status: 'ready' })
    expect(plugin.installation).toMatchObject({
      integrity: expect.stringMatching(/^sha512-/),
      from: '@me/my-plugin@^1.0.0',
    })
    registry.publish(lab.write('src-1.2.0', { name: '@me/my-plugin', version: '1.2.0' }))
    expect(await update('@me/my-plugin')).toMatchObject({ version: '1.2.0', status: 'ready' })
    expect(readdirSync(join(lab.plugins, '@me+my-plugin')).filter((name) => name.startsWith('1.'))).toEqual([
      expect.stringMatching(/^1\.2\.0-/),
    ])
    expect(await lab.add(manager, '@me/my-plugin@2')).toMatchObject({ version: '2.0.0' })
  })

  test('brings what it depends on', async () => {
    await using registry = await openNpmRegistry()
    lab.useRegistry(registry.url)
    const dependency = lab.write('dep', { name: 'some-words', version: '3.0.0' })
    writeFileSync(join(dependency, 'index.js'), 'export const words = "of another"')
    registry.publish(dependency)
    const says = `import('some-words').then(({ words }) => words)`
    registry.publish(lab.write('src', { says, fields: { dependencies: { 'some-words': '^3.0.0' } } }))
    await lab.add(manager, 'my-plugin')
    expect((await lab.say()).texts).toEqual(['of another'])
  })

  test('that wants something else after an update waits, and the version before is used meanwhile', async () => {
    await using registry = await openNpmRegistry()
    lab.useRegistry(registry.url)
    registry.publish(lab.write('src-1', { says: '"one"' }))
    await lab.add(manager, 'my-plugin')
    registry.publish(lab.write('src-2', { says: '"two"', version: '2.0.0', secrets: ['MORE'] }))
    const updated = await update()
    expect(updated).toMatchObject({ version: '1.0.0', status: 'ready' })
    expect(updated.installation?.unconfirmed).toMatchObject({ version: '2.0.0', wishes: { secrets: ['MORE'] } })
    expect((await lab.say()).texts).toEqual(['one'])
    manager = await lab.open()
    expect((await lab.say()).texts).toEqual(['one'])
    await manager.confirm('my-plugin', updated.installation?.unconfirmed?.wishesHash ?? '')
    expect((await lab.say()).texts).toEqual(['two'])
  })

  test('that is not there, or cannot be reached, says so and leaves nothing', async () => {
    await using registry = await openNpmRegistry()
    const unreachable = await thrown(install('my-plugin'))
    expect(unreachable).toMatchObject({
      code: 'PLUGIN_INSTALL',
      message: expect.stringContaining('could not be reached'),
    })
    lab.useRegistry(registry.url)
    expect(await thrown(install('my-plugin'))).toMatchObject({ code: 'PLUGIN_INSTALL', details: { npmCode: 'E404' } })
    registry.publish(lab.write('src'))
    expect(await thrown(install('my-plugin@9'))).toMatchObject({ details: { npmCode: 'ETARGET' } })
    expect(lab.left()).toEqual([])
  })
})

describe('a tarball', () => {
  test('is installed', async () => {
    writeFileSync(join(lab.folder, 'it.tgz'), pack(lab.write('src', { says: '"packed"' })))
    expect(await lab.add(manager, join(lab.folder, 'it.tgz'))).toMatchObject({ status: 'ready' })
    expect((await lab.say()).texts).toEqual(['packed'])
  })

  test('cannot bring a file out of its folder, or a link', async () => {
    const folder = lab.write('src')
    const names = ['package/../../../../escaped.js', '/tmp/escaped-absolute.js']
    writeFileSync(join(lab.folder, 'evil.js'), '')
    const script = `
import io, tarfile, sys
t = tarfile.open(sys.argv[1], 'w:gz')
t.add(sys.argv[2], 'package')
for name in sys.argv[3:]:
  i = tarfile.TarInfo(name); i.size = 4; t.addfile(i, io.BytesIO(b'evil'))
l = tarfile.TarInfo('package/link'); l.type = tarfile.SYMTYPE; l.linkname = '/etc'; t.addfile(l)
l = tarfile.TarInfo('package/hard'); l.type = tarfile.LNKTYPE; l.linkname = '/etc/passwd'; t.addfile(l)
t.close()`
    execFileSync('python3', ['-c', script, join(lab.folder, 'it.tgz'), folder, ...names])
    const result = await thrown(install(join(lab.folder, 'it.tgz')))
    const inside = readdirSync(lab.plugins, { recursive: true, encoding: 'utf8' })
    expect(inside.filter((path) => /(?:escaped\.js|link|hard)$/.test(path))).toEqual([])
    expect(readdirSync(lab.folder)).not.toContain('escaped.js')
    expect(existsSync('/tmp/escaped-absolute.js')).toBe(false)
    expect(result).toBe('nothing was thrown')
  })

  test('that unpacks to more than there may be is given up', async () => {
    manager = await lab.open({ mostBytes: 20 * 1024 * 1024 })
    const folder = lab.write('src')
    for (let number = 0; number < 20; number += 1) {
      writeFileSync(join(folder, `large-${number}.bin`), Buffer.alloc(20 * 1024 * 1024))
    }
    writeFileSync(join(lab.folder, 'it.tgz'), pack(folder, 'none'))
    expect(await thrown(install(join(lab.folder, 'it.tgz')))).toMatchObject({
      code: 'PLUGIN_INSTALL',
      message: expect.stringContaining('larger than'),
    })
    expect(lab.left()).toEqual([])
  })
})

test('a git repository is installed at the tag that was named, and none of its scripts runs', async () => {
  const marker = join(lab.folder, 'ran')
  const scripts = Object.fromEntries(
    ['prepare', 'preinstall', 'install', 'postinstall', 'prepack', 'build'].map((name) => [name, `touch ${marker}`]),
  )
  const folder = lab.write('src', { says: '"tagged"', fields: { scripts } })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder, env: lab.env })
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'one')
  git('tag', 'v1')
  lab.write('src', { says: '"later"', fields: { scripts } })
  git('commit', '--quiet', '--all', '--message', 'two')
  const plugin = await lab.add(manager, `git+file://${folder}#v1`)
  expect(plugin.installation?.resolved).toMatch(/#[0-9a-f]{40}$/)
  expect((await lab.say()).texts).toEqual(['tagged'])
  expect(existsSync(marker)).toBe(false)
})

describe('nothing is changed when', () => {
  test.for<[string, string, (folder: string) => void]>([
    [
      'a file of the folder is a link',
      'PLUGIN_INSTALL',
      (folder) => symlinkSync('/etc/passwd', join(folder, 'link.js')),
    ],
    ['a folder in it is a link', 'PLUGIN_INSTALL', (folder) => symlinkSync('/etc', join(folder, 'etc'))],
    [
      'its manifest is larger than 1 MiB',
      'PLUGIN_MANIFEST',
      (folder) => writeFileSync(join(folder, 'package.json'), ' '.repeat(2 ** 21)),
    ],
    ['it has no manifest', 'PLUGIN_MANIFEST', (folder) => rmSync(join(folder, 'package.json'))],
    [
      'it needs another contract',
      'PLUGIN_CONTRACT',
      (folder) => {
        const path = join(folder, 'package.json')
        writeFileSync(path, readFileSync(path, 'utf8').replace('"contract":1', '"contract":7'))
      },
    ],
    ['its main module is not there', 'PLUGIN_MANIFEST', (folder) => rmSync(join(folder, 'index.js'))],
    ['a pipe is in it', 'PLUGIN_INSTALL', (folder) => execFileSync('mkfifo', [join(folder, 'pipe')])],
  ])('%s', async ([, code, spoil]) => {
    const folder = lab.write('src')
    spoil(folder)
    expect(await thrown(install(folder))).toMatchObject({ code })
    expect(lab.left()).toEqual([])
  })

  test('a manifest of 100 MiB is in a tarball', async () => {
    const folder = lab.write('src', { fields: { long: 'x'.repeat(100 * 2 ** 20) } })
    writeFileSync(join(lab.folder, 'it.tgz'), pack(folder, 'none'))
    expect(await thrown(install(join(lab.folder, 'it.tgz')))).toMatchObject({
      code: 'PLUGIN_MANIFEST',
      message: expect.stringContaining('1 MiB'),
    })
    expect(lab.left()).toEqual([])
  })

  /** A program that stands in for npm. */
  const useNpm = async (script: string, options = {}) => {
    mkdirSync(join(lab.folder, 'bin'))
    writeFileSync(join(lab.folder, 'bin/npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    lab.env['PATH'] = `${join(lab.folder, 'bin')}:/usr/bin:/bin`
    manager = await lab.open({ node: '/nonexistent/bin/node', ...options })
  }

  test('npm hangs: it is ended with all that it started, by its bound or when the caller gives up', async () => {
    const alive = join(lab.folder, 'alive')
    await useNpm(`(while :; do touch ${alive}; sleep 0.05; done) & wait`, { ms: 500 })
    expect(await thrown(install(lab.write('src')))).toMatchObject({ code: 'TIMEOUT' })
    rmSync(alive, { force: true })
    const stop = new AbortController()
    manager = await lab.open({ node: '/nonexistent/bin/node' })
    const work = thrown(manager.install(lab.write('src'), { signal: stop.signal }))
    await expect.poll(() => existsSync(alive)).toBe(true)
    stop.abort()
    expect(await work).toMatchObject({ code: 'ABORTED' })
    rmSync(alive)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(existsSync(alive)).toBe(false)
    expect(lab.left()).toEqual([])
  })

  test('the folder is changed while it is copied', async () => {
    const folder = lab.write('src')
    await useNpm(`echo more >> ${join(folder, 'index.js')}; exec /usr/bin/env -u PATH true`)
    const error = await thrown(install(folder))
    expect(error).toMatchObject({
      code: 'PLUGIN_INSTALL',
      message: expect.stringContaining('changed while it was copied'),
    })
    expect(lab.left()).toEqual([])
  })

  test('there is no npm', async () => {
    manager = await lab.open({ node: '/nonexistent/bin/node', env: { PATH: join(lab.folder, 'none') } })
    expect(await thrown(install(lab.write('src')))).toMatchObject({ code: 'NPM_NOT_INSTALLED' })
    expect(lab.left()).toEqual([])
  })

  test('a host was killed while it installed: what it left is gone at the next start', async () => {
    mkdirSync(join(lab.plugins, '.staging-abc/tree'), { recursive: true })
    mkdirSync(join(lab.plugins, '.trash-abc'))
    await lab.add(manager, lab.write('src'))
    mkdirSync(join(lab.plugins, 'my-plugin/2.0.0-0123'))
    manager = await lab.open()
    expect(lab.left()).toEqual(['my-plugin'])
    expect(readdirSync(join(lab.plugins, 'my-plugin'))).toHaveLength(2)
    expect(lab.info()).toMatchObject({ status: 'ready' })
  })
})

describe('a session at work', () => {
  async function begin(plugin?: string) {
    const io = new TestIo()
    const stop = new AbortController()
    const session = makeSession('my-agent', { prompt: 'wait' })
    const end = lab.host.run({ session, io, signal: stop.signal, ...(plugin && { plugin }) })
    await expect.poll(() => io.texts()).toHaveLength(1)
    return { io, end, stop, [Symbol.asyncDispose]: () => io[Symbol.asyncDispose]() }
  }

  test('goes on with the version that it began with, which stays until no session uses it', async () => {
    await lab.add(manager, lab.write('src', { says: '"one"' }))
    const key = lab.host.pin('my-agent') ?? ''
    await using first = await begin()
    await lab.add(manager, lab.write('src', { says: '"two"', version: '2.0.0' }))
    expect((await lab.say()).texts).toEqual(['two'])
    first.io.say('still here')
    await expect.poll(() => first.io.texts()).toEqual(['one', 'still here'])
    expect(await thrown(manager.remove('my-plugin'))).toMatchObject({ code: 'PLUGIN_IN_USE' })
    first.stop.abort()
    await first.end
    // The next host knows from its database that the session is not over.
    lab.inUse.set(key, ['session-1'])
    manager = await lab.open()
    await using continued = await begin(key)
    expect(continued.io.texts()).toEqual(['one'])
    continued.stop.abort()
    await continued.end
    lab.inUse.clear()
    await lab.installed.sweep()
    expect(
      await lab.host.run({ session: makeSession('my-agent'), io: continued.io, signal: never(), plugin: key }),
    ).toMatchObject({ kind: 'error', code: 'PLUGIN_NOT_FOUND' })
    await manager.remove('my-plugin')
    expect(lab.left()).toEqual([])
  })

  test('goes on when its plugin is disabled', async () => {
    await lab.add(manager, lab.write('src', { says: '"one"' }))
    await using first = await begin()
    await manager.setEnabled('my-plugin', false)
    first.io.say('still here')
    await expect.poll(() => first.io.texts()).toEqual(['one', 'still here'])
    first.stop.abort()
    await first.end
  })
})
