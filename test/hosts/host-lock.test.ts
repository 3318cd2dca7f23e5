import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openDataDirectory } from '../../hosts/data-directory.ts'
import { readHostFile, removeHostFile, writeHostFile } from '../../hosts/host-file.ts'
import { acquireHostLock, isHostLockHeld } from '../../hosts/host-lock.ts'
import { findRunningHost } from '../../hosts/running-host.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url))

interface Holder extends AsyncDisposable {
  readonly pid: number | undefined
  kill(): Promise<void>
}

async function startHolder(root: string, behaviour: 'answers' | 'hangs' = 'answers'): Promise<Holder> {
  const child: ChildProcess = spawn(process.execPath, [HOLDER, root, behaviour], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout) await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })
  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return { pid: child.pid, kill, [Symbol.asyncDispose]: kill }
}

describe('the lock of a data directory', () => {
  it('is for one holder at a time in one process', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    {
      using _lock = await acquireHostLock(directory)
      expect(isHostLockHeld(directory)).toBe(true)
      await expect(acquireHostLock(directory)).rejects.toMatchObject({ code: 'HOST_ALREADY_RUNNING' })
      expect(isHostLockHeld(directory)).toBe(true)
    }
    expect(isHostLockHeld(directory)).toBe(false)
    using again = await acquireHostLock(directory)
    expect(again).toBeDefined()
  })

  it('refuses a second process with the name of the first, and what to do', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    await using holder = await startHolder(folder.path)
    const refused = await acquireHostLock(directory).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'HOST_ALREADY_RUNNING', details: { pid: holder.pid, root: directory.root } })
    expect(String(refused)).toContain(`pid ${holder.pid}, http://127.0.0.1:7870, started 2026-01-02T03:04:05.000Z`)
    expect(String(refused)).toContain(`kill ${holder.pid}`)
    expect(JSON.stringify(refused)).not.toContain('secret-token')
  })

  it('is free at once when its holder is killed, whatever the host file says', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    await using holder = await startHolder(folder.path)
    await holder.kill()
    expect(readHostFile(directory)?.pid).toBe(holder.pid)
    using lock = await acquireHostLock(directory)
    expect(lock).toBeDefined()
  })

  it('is still refused when its file was removed under a live host, which is found all the same', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    await using holder = await startHolder(folder.path)
    rmSync(directory.lock)
    await expect(acquireHostLock(directory)).rejects.toMatchObject({
      code: 'HOST_ALREADY_RUNNING',
      details: { pid: holder.pid },
    })
    expect(await findRunningHost(directory)).toMatchObject({ kind: 'running', host: { pid: holder.pid } })
  })

  it('says so when it cannot be made', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    writeFileSync(directory.lock, 'this is no database, and long enough to be looked at as one'.repeat(20))
    await expect(acquireHostLock(directory)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  })
})

describe('the host file', () => {
  const record = { pid: 1, token: 't', socket: '/s', startedAt: '2026-01-02T03:04:05.000Z' }

  it('can be read by its owner only, because it holds the token', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    writeHostFile(directory, record)
    expect(statSync(directory.hostFile).mode & 0o777).toBe(0o600)
    expect(readHostFile(directory)).toEqual(record)
    removeHostFile(directory)
    expect(readHostFile(directory)).toBeUndefined()
  })

  it('says nothing when it is damaged', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    for (const text of ['', '{', '[]', '{"pid":"1"}']) {
      writeFileSync(directory.hostFile, text)
      expect(readHostFile(directory)).toBeUndefined()
    }
  })
})

describe('finding the running host', () => {
  it('finds none where none runs, not even when its file is still there', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    writeHostFile(directory, { pid: process.pid, socket: directory.socket, startedAt: '2026-01-02T03:04:05.000Z' })
    expect(await findRunningHost(directory)).toEqual({ kind: 'none' })
  })

  it('finds one that answers', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    await using holder = await startHolder(folder.path)
    expect(await findRunningHost(directory)).toMatchObject({ kind: 'running', host: { pid: holder.pid } })
  })

  it('tells one that hangs from one that is not there', async () => {
    using folder = makeTemporaryFolder()
    const directory = await openDataDirectory({}, folder.path)
    await using holder = await startHolder(folder.path, 'hangs')
    expect(await findRunningHost(directory)).toMatchObject({ kind: 'unreachable', host: { pid: holder.pid } })
  })
})
