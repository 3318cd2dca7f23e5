import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeOf, openWorkbench } from './workbench.ts'

describe('listing files', () => {
  it('finds paths in any case, those whose name matches first', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ 'config/main.ts': '', 'src/Config.ts': '', 'src/new\nline': '' })
    const place = { repositoryPath: bench.repository.path, branch: 'main' }
    const list = (query: string, limit = 10) => bench.workspaces.listFiles({ ...place, query, limit })
    expect(await list('CONFIG')).toEqual({ files: ['src/Config.ts', 'config/main.ts'], more: false })
    expect(await list('', 2)).toEqual({ files: ['README.md', 'config/main.ts'], more: true })
    expect(await list('new\nline')).toEqual({ files: ['src/new\nline'], more: false })
    expect(await list('missing')).toEqual({ files: [], more: false })
  })

  it('sees a branch that has moved, also when its ref is packed', async () => {
    await using bench = await openWorkbench()
    const list = () => bench.workspaces.listFiles({ repositoryPath: bench.repository.path, branch: 'main', limit: 10 })
    expect((await list()).files).toEqual(['README.md'])
    await bench.repository.commit({ 'a.txt': '' })
    expect((await list()).files).toEqual(['README.md', 'a.txt'])
    await bench.repository.git('pack-refs', '--all')
    expect((await list()).files).toEqual(['README.md', 'a.txt'])
  })

  it('names a branch or repository that is not there', async () => {
    await using bench = await openWorkbench()
    const place = { repositoryPath: bench.repository.path, limit: 10 }
    await bench.workspaces.listFiles({ ...place, branch: 'main' })
    expect(await codeOf(bench.workspaces.listFiles({ ...place, branch: '../../config' }))).toBe('REPO_BRANCH_MISSING')
    await rm(bench.repository.path, { recursive: true })
    expect(await codeOf(bench.workspaces.listFiles({ ...place, branch: 'main' }))).toBe('REPO_NOT_FOUND')
  })
})

describe('reading a file for review', () => {
  it('gives its bytes from a commit and from the worktree', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const odd = ':(glob)*\n"ä"'
    const commit = await worktree.commit({ [odd]: Uint8Array.of(0, 255), 'dir/a.txt': 'old' })
    await worktree.write({ 'dir/a.txt': 'new' })
    const place = { repositoryPath: bench.repository.path, maxBytes: 100 }
    const read = (path: string, from: { commit: string } | { worktreePath: string }) =>
      bench.workspaces.readFile({ ...place, path, from })
    expect([...(await read(odd, { commit }))]).toEqual([0, 255])
    expect(String(await read('dir/a.txt', { commit }))).toBe('old')
    expect(String(await read('dir/a.txt', { worktreePath: worktree.path }))).toBe('new')
  })

  it.each(['commit', 'worktree'])('leads nowhere else (%s)', async (kind) => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const outside = join(bench.lab.folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(outside, join(worktree.path, 'way'))
    await symlink(join(outside, 'secret'), join(worktree.path, 'link'))
    await mkdir(join(worktree.path, 'dir'))
    const commit = await worktree.commit({ 'dir/a': 'a' })
    execFileSync('mkfifo', [join(worktree.path, 'pipe')])
    const from = kind === 'commit' ? { commit } : { worktreePath: worktree.path }
    const read = (path: string) =>
      bench.workspaces.readFile({ repositoryPath: bench.repository.path, maxBytes: 100, from, path })
    for (const path of [
      'way/secret',
      '../outside/secret',
      '/etc/passwd',
      '.git',
      '.git/config',
      'dir/../dir/a',
      'dir',
      'pipe',
      '',
      'missing',
      'a\0b',
    ]) {
      expect([path, await codeOf(read(path))]).toEqual([path, 'REPO_FILE_NOT_FOUND'])
    }
    expect(String(await read('link'))).toBe(join(outside, 'secret'))
  })

  it('refuses what is too large', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const commit = await worktree.commit({ 'a.txt': '0123456789' })
    for (const from of [{ commit }, { worktreePath: worktree.path }]) {
      const request = { repositoryPath: bench.repository.path, path: 'a.txt', from }
      expect(await codeOf(bench.workspaces.readFile({ ...request, maxBytes: 9 }))).toBe('LIMIT_BODY')
      expect(await bench.workspaces.readFile({ ...request, maxBytes: 10 })).toHaveLength(10)
    }
  })
})
