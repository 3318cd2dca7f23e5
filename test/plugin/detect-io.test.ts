import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDetectHost } from '../../core/plugin/detect-io.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'troupe-detect-'))
  await writeFile(join(home, 'tool'), '#!/bin/sh\necho tool "$@"\necho oops >&2\nexit 3\n')
  await chmod(join(home, 'tool'), 0o755)
  await writeFile(join(home, 'not-a-tool'), 'text')
})

afterAll(() => rm(home, { recursive: true, force: true }))

const open = (path = `${home}:/usr/bin:/bin`, runMs?: number) =>
  makeDetectHost({
    env: { PATH: path, HOME: home, FAKE: 'yes' },
    hasSecret: (name) => Promise.resolve(name === 'KEY'),
    ...(runMs !== undefined && { runMs }),
  })

test('a program is found in PATH, by its path and from home, if it can be run', async () => {
  const host = open()
  expect(await host.find('tool')).toBe(join(home, 'tool'))
  expect(await host.find(join(home, 'tool'))).toBe(join(home, 'tool'))
  expect(await host.find('~/tool')).toBe(join(home, 'tool'))
  expect(await host.find('not-a-tool')).toBeUndefined()
  expect(await host.find('no-such-tool')).toBeUndefined()
})

test('the current folder is not searched, even when PATH has an empty entry', async () => {
  expect(await open(':.:').find('package.json')).toBeUndefined()
})

test('a program is run with the given environment only', async () => {
  const { stdout } = await open().run('env', [])
  expect(stdout).toContain('FAKE=yes')
  expect(stdout).not.toContain('TROUPE')
  expect(stdout.split('\n').filter((line) => /^(PATH|HOME|FAKE)=/.test(line))).toHaveLength(3)
})

test('code and both outputs come back', async () => {
  expect(await open().run('tool', ['a', 'b'])).toEqual({ code: 3, stdout: 'tool a b\n', stderr: 'oops\n' })
})

test('a program that is missing has no code', async () => {
  expect(await open().run('no-such-tool', [])).toEqual({ code: null, stdout: '', stderr: '' })
})

test('a program that runs for too long is ended, with what it started', async () => {
  const { code, stdout } = await open(undefined, 500).run('sh', ['-c', 'sleep 300 & echo $!; wait'])
  expect(code).toBeNull()
  await expect.poll(() => isAlive(Number(stdout))).toBe(false)
})

test('a program that prints too much is ended', async () => {
  const { code, stdout } = await open().run('yes', [])
  expect(code).toBeNull()
  expect(stdout.length).toBeLessThanOrEqual(1024 * 1024)
})

test('a file is found from home', async () => {
  expect(await open().fileExists('~/not-a-tool')).toBe(true)
  expect(await open().fileExists('~/nothing')).toBe(false)
})

/** A process that has ended but that nobody has waited for is not alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}
