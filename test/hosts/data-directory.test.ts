import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataDirectoryPath, openDataDirectory } from '../../hosts/data-directory.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777
const unusable = (text: RegExp) =>
  expect.objectContaining({ code: 'DATA_DIR_UNUSABLE', message: expect.stringMatching(text) })

describe('where the data directory is', () => {
  it('is the folder of the command line, then TROUPE_HOME, then ~/.troupe', () => {
    const env = { HOME: '/h', TROUPE_HOME: '/t' }
    expect(dataDirectoryPath(env, '/c')).toBe('/c')
    expect(dataDirectoryPath(env)).toBe('/t')
    expect(dataDirectoryPath({ HOME: '/h', TROUPE_HOME: '' })).toBe('/h/.troupe')
  })

  it('is never in the folder that the command is called in, not even without a HOME', () => {
    for (const env of [{}, { HOME: '' }]) expect(dataDirectoryPath(env)).toBe(join(userInfo().homedir, '.troupe'))
  })

  it('may be given by a tilde that no shell has replaced', () => {
    expect(dataDirectoryPath({ HOME: '/h', TROUPE_HOME: '~/other' })).toBe('/h/other')
  })
})

describe('opening the data directory', () => {
  it('makes it and its folders for their owner only', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({ TROUPE_HOME: join(folder.path, 'a', 'b') })
    expect(readdirSync(directory.root).toSorted()).toEqual(['logs', 'plugins', 'run', 'worktrees'])
    for (const path of [directory.root, directory.logs, directory.plugins, directory.run, directory.worktrees]) {
      expect([path, modeOf(path)]).toEqual([path, 0o700])
    }
  })

  it('closes an empty folder that others could read or write', async () => {
    using folder = makeTemporaryFolder()
    chmodSync(folder.path, 0o777)
    await openDataDirectory({}, folder.path)
    expect(modeOf(folder.path)).toBe(0o700)
  })

  it('gives the real place of a linked folder', async () => {
    using folder = makeTemporaryFolder()
    const real = join(folder.path, 'real')
    mkdirSync(real)
    symlinkSync(real, join(folder.path, 'link'))
    expect((await openDataDirectory({}, join(folder.path, 'link'))).root).toBe(real)
  })

  it('refuses a file in its place', async () => {
    using folder = makeTemporaryFolder()
    const file = join(folder.path, 'file')
    writeFileSync(file, '')
    await expect(openDataDirectory({}, file)).rejects.toEqual(unusable(/file/))
    await expect(openDataDirectory({}, join(file, 'below'))).rejects.toEqual(unusable(/cannot be used/))
  })

  it.runIf(process.platform === 'linux')('refuses a place where the system makes no folders', async () => {
    await expect(openDataDirectory({}, '/proc/troupe')).rejects.toEqual(unusable(/\/proc\/troupe cannot be used/))
  })

  it('refuses a folder full of other things and leaves it as it was', async () => {
    using folder = makeTemporaryFolder()
    chmodSync(folder.path, 0o755)
    writeFileSync(join(folder.path, 'thesis.tex'), '')
    await expect(openDataDirectory({}, folder.path)).rejects.toEqual(unusable(/not a data directory of Troupe/))
    expect(modeOf(folder.path)).toBe(0o755)
    expect(readdirSync(folder.path)).toEqual(['thesis.tex'])
  })

  it('refuses one that others could have written into', async () => {
    using folder = makeTemporaryFolder()
    writeFileSync(join(folder.path, 'config.toml'), '')
    chmodSync(folder.path, 0o770)
    await expect(openDataDirectory({}, folder.path)).rejects.toEqual(unusable(/chmod 700/))
  })

  it('refuses a file where one of its folders must be', async () => {
    using folder = makeTemporaryFolder()
    writeFileSync(join(folder.path, 'logs'), '')
    await expect(openDataDirectory({}, folder.path)).rejects.toEqual(unusable(/logs/))
  })
})

describe('the socket of the host', () => {
  it('is in the data directory when its path is short', async () => {
    using folder = makeTemporaryFolder()
    expect((await openDataDirectory({}, folder.path)).socket).toBe(join(folder.path, 'host.sock'))
  })

  it('is in a private folder elsewhere, always the same, when the path would be too long', async () => {
    using folder = makeTemporaryFolder()
    const runtime = join(folder.path, 'runtime')
    mkdirSync(runtime)
    const env = { XDG_RUNTIME_DIR: runtime, TROUPE_HOME: join(folder.path, 'x'.repeat(90)) }
    const { socket } = await openDataDirectory(env)
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103)
    expect(socket.startsWith(runtime)).toBe(true)
    expect(modeOf(join(socket, '..'))).toBe(0o700)
    expect((await openDataDirectory(env)).socket).toBe(socket)
  })

  it('is refused where somebody else could have prepared its folder', async () => {
    using folder = makeTemporaryFolder()
    const env = { XDG_RUNTIME_DIR: folder.path, TROUPE_HOME: join(folder.path, 'x'.repeat(90)) }
    const { socket } = await openDataDirectory(env)
    chmodSync(join(socket, '..'), 0o777)
    await expect(openDataDirectory(env)).rejects.toEqual(unusable(/open to other users/))
  })
})
