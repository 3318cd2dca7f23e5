import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeGit, ownWords } from '../../core/workspace/git.ts'
import { makeKeyedLock } from '../../core/workspace/keyed-lock.ts'
import { runProcess, type ProcessRequest } from '../../core/workspace/run-process.ts'
import { openGitLab } from '../helpers/repositories.ts'
import { codeOf, isAlive } from './workbench.ts'

describe('a bounded process', () => {
  let cwd: string
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'troupe-process-'))
  })
  afterAll(() => rm(cwd, { recursive: true }))

  const shell = (script: string, changes: Partial<ProcessRequest> = {}) =>
    runProcess({
      program: 'sh',
      args: ['-c', script],
      cwd,
      env: { PATH: process.env['PATH'] ?? '' },
      timeoutMs: 60_000,
      maxOutputBytes: 1_000_000,
      ...changes,
    })

  it('gives exit code, output and the end of the errors', async () => {
    const { end, stdout, stderr } = await shell('cat; echo words >&2; exit 7', { input: 'in' })
    expect({ end, out: String(stdout), stderr }).toEqual({
      end: { kind: 'exited', code: 7 },
      out: 'in',
      stderr: 'words\n',
    })
    expect((await shell('head -c 100000 /dev/zero >&2')).stderr).toHaveLength(16 * 1024)
  })

  it('is ended, with its group, when it takes too long, prints too much or is aborted', async () => {
    const script = 'sleep 300 & echo $! >> pids; yes 0123456789'
    const stopped = async (changes: Partial<ProcessRequest>) => (await shell(script, changes)).end
    const quiet = { onOutput: () => {} }
    expect(await stopped({ timeoutMs: 200, ...quiet })).toEqual({ kind: 'stopped', why: 'timeout' })
    expect(await stopped({ maxOutputBytes: 1000 })).toEqual({ kind: 'stopped', why: 'output' })
    expect(await stopped({ signal: AbortSignal.timeout(200), ...quiet })).toEqual({ kind: 'stopped', why: 'aborted' })
    const pids = (await readFile(join(cwd, 'pids'), 'utf8')).trim().split('\n').map(Number)
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  it('does not wait for a descendant that holds the pipes', async () => {
    expect((await shell('sleep 300 & exit 0')).end).toEqual({ kind: 'exited', code: 0 })
  })

  it('says that a program cannot be started', async () => {
    expect((await shell('', { program: '/nowhere/x' })).end).toMatchObject({ kind: 'unstartable' })
  })
})

describe('the git program', () => {
  it('reports its own words without control characters', async () => {
    await using lab = await openGitLab()
    const failure = makeGit(lab.env)(['rev-parse', '--verify', 'no\u001b[31msuch'], { cwd: lab.folder })
    await expect(failure).rejects.toMatchObject({ code: 'GIT_FAILED', details: { command: 'git rev-parse' } })
    const withOptions = makeGit(lab.env)(['-c', 'core.bare=false', '-C', lab.folder, 'rev-parse', 'HEAD'], { cwd: '/' })
    await expect(withOptions).rejects.toMatchObject({ details: { command: 'git rev-parse' } })
    expect(ownWords('a\u001b[31mb\u0007\nc\u009b')).toBe('a [31mb \nc')
    expect(ownWords('x'.repeat(9999))).toHaveLength(2000)
  })

  it('keeps its bounds', async () => {
    await using lab = await openGitLab()
    const repository = await lab.repository()
    const git = makeGit(lab.env)
    const cwd = repository.path
    expect(await codeOf(git(['log'], { cwd, maxOutputBytes: 5 }))).toBe('GIT_FAILED')
    expect(await codeOf(git(['cat-file', '--batch'], { cwd, timeoutMs: 0, input: 'HEAD\n' }))).toBe('TIMEOUT')
    expect(await codeOf(git(['log'], { cwd, signal: AbortSignal.abort() }))).toBe('ABORTED')
    expect(await codeOf(git(['log'], { cwd: join(cwd, 'gone') }))).toBe('WORKTREE_MISSING')
  })
})

describe('a keyed lock', () => {
  it('runs work of one key in order and of other keys at once, after failures too', async () => {
    const lock = makeKeyedLock()
    const log: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = lock.run('a', async () => {
      await gate.promise
      log.push('first')
      throw new Error('failed')
    })
    const second = lock.run('a', async () => log.push('second'))
    await lock.run('b', async () => log.push('other'))
    gate.resolve()
    await Promise.allSettled([first, second])
    expect(log).toEqual(['other', 'first', 'second'])
  })
})
