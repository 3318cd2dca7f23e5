/** What a package may try while npm installs it, before the user has agreed to anything, and to get more than was agreed to. */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PluginManager } from '../../core/plugin/installed/plugin-manager.ts'
import { InstallLab } from './install-lab.ts'
import { openNpmRegistry, pack } from './npm-registry.ts'

let lab: InstallLab
let manager: PluginManager

beforeEach(async () => {
  lab = new InstallLab()
  manager = await lab.open()
})

afterEach(() => lab[Symbol.asyncDispose]())

const install = (source: string) => manager.install(source, { signal: new AbortController().signal })

test('a git repository has no say in how npm works, whatever its .npmrc names', async () => {
  const ran = join(lab.folder, 'ran')
  const program = join(lab.folder, 'not-git')
  writeFileSync(program, `#!/bin/sh\ntouch ${ran}\nexec git "$@"\n`, { mode: 0o755 })
  await using registry = await openNpmRegistry()
  lab.env['NPM_TOKEN'] = 'a-secret-token'
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd, env: lab.env })
  const commit = (folder: string) => {
    git(folder, 'init', '--quiet')
    git(folder, 'add', '.')
    git(folder, 'commit', '--quiet', '--message', 'one')
  }
  const dependency = lab.write('dep', { name: 'some-words' })
  commit(dependency)
  const dependencies = { 'some-words': `git+file://${dependency}` }
  const fields = { scripts: { build: 'true' }, dependencies, devDependencies: { 'not-there': '1.0.0' } }
  const folder = lab.write('src', { says: '"installed"', fields })
  const host = registry.url.slice('http:'.length)
  writeFileSync(
    join(folder, '.npmrc'),
    `git=${program}\nregistry=${registry.url}/\n${host}/:_authToken=\${NPM_TOKEN}\n`,
  )
  commit(folder)
  await lab.add(manager, `git+file://${folder}`)
  expect((await lab.say()).texts).toEqual(['installed'])
  expect(existsSync(ran)).toBe(false)
  expect(registry.asked).toEqual([])
})

test('a package that depends on a folder of this machine is refused, and one that is such a folder is not', async () => {
  const own = lab.write('own', { name: 'own-project' })
  const folder = lab.write('src', { fields: { dependencies: { 'own-project': `file:${own}` } } })
  writeFileSync(join(lab.folder, 'it.tgz'), pack(folder))
  await expect(install(join(lab.folder, 'it.tgz'))).rejects.toMatchObject({
    code: 'PLUGIN_INSTALL',
    message: expect.stringContaining('depends on a folder'),
  })
  expect(lab.left()).toEqual([])
  expect((await install(folder)).name).toBe('my-plugin')
})

test.for(['PATH', 'LD_PRELOAD', 'DYLD_INSERT_LIBRARIES'])(
  'a plugin may not say by %s what a program is',
  async (name) => {
    const says = `io.spawn({ program: 'sh', args: ['-c', 'true'], env: { ${name}: '/' } }).catch((e) => e.message)`
    await lab.add(manager, lab.write('src', { says, troupe: { programs: ['sh'] } }))
    expect((await lab.say()).texts).toEqual([expect.stringContaining(`tried to start "sh" with ${name}`)])
  },
)
