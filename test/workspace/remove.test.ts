import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BRANCH, codeOf, openWorkbench, TASK } from './workbench.ts'

const SAVED = 'refs/troupe/saved/session'

describe('removing a worktree', () => {
  it('removes folder and record, and keeps the branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const tip = await worktree.commit({ 'a.txt': 'a' })
    expect(await bench.remove()).toEqual({ branchDeleted: false })
    expect(readdirSync(join(bench.lab.dataDir, 'worktrees'))).toEqual([])
    expect(await bench.repository.git('worktree', 'list', '--porcelain')).not.toContain(TASK)
    expect(await bench.repository.git('rev-parse', BRANCH)).toBe(tip)
    expect(await bench.remove({ worktreePath: worktree.path })).toEqual({ branchDeleted: false })
  })

  it('saves uncommitted and untracked work first, even without an identity', async () => {
    await using bench = await openWorkbench({ identity: false })
    const worktree = await bench.worktree()
    await worktree.write({ 'README.md': 'changed', 'untracked/file.txt': 'new' })
    const { savedCommit } = await bench.remove()
    expect(await bench.repository.git('rev-parse', SAVED)).toBe(savedCommit)
    expect(await bench.repository.git('rev-parse', `${SAVED}^`)).toBe(worktree.baseCommit)
    expect(await bench.repository.git('diff', '--name-only', 'main', SAVED)).toBe('README.md\nuntracked/file.txt')
  })

  it('saves commits that the branch does not have', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.git('checkout', '--quiet', '--detach')
    const lost = await worktree.commit({ 'a.txt': 'a' })
    expect(await bench.remove()).toMatchObject({ savedCommit: lost })
  })

  it('saves the files of nested repositories and submodules', async () => {
    await using bench = await openWorkbench()
    const library = await bench.lab.repository('library')
    const worktree = await bench.worktree()
    await worktree.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.path, 'library')
    await worktree.git('commit', '--quiet', '-m', 'Submodule')
    await worktree.write({ 'library/README.md': 'changed only here' })
    await mkdir(join(worktree.path, 'nested'))
    await bench.lab.at(join(worktree.path, 'nested')).git('init', '--quiet')
    await worktree.write({ 'nested/n.txt': 'nested' })
    await bench.remove()
    expect(await bench.repository.git('show', `${SAVED}:library/README.md`)).toBe('changed only here')
    expect(await bench.repository.git('show', `${SAVED}:nested/n.txt`)).toBe('nested')
  })

  it('deletes nothing when the work cannot be saved', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    // The ref cannot be written: a branch of refs is in its place.
    await bench.repository.git('update-ref', `${SAVED}/in-the-way`, 'main')
    expect(await codeOf(bench.remove())).toBe('GIT_FAILED')
    expect(existsSync(join(worktree.path, 'a.txt'))).toBe(true)
  })

  it('deletes nothing when git has no record of the folder', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const records = join(bench.repository.path, '.git/worktrees')
    await rename(records, `${records}-gone`)
    expect(await codeOf(bench.remove({ worktreePath: worktree.path }))).toBe('WORKTREE_MISSING')
    expect(existsSync(worktree.path)).toBe(true)
  })

  it('leaves a locked worktree alone', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await bench.repository.git('worktree', 'lock', '--reason', 'mine', worktree.path)
    expect(await codeOf(bench.remove())).toBe('CONFLICT')
    expect(existsSync(worktree.path)).toBe(true)
  })

  it('leaves folders alone that are not of this task', async () => {
    await using bench = await openWorkbench()
    await bench.worktree()
    const other = await bench.prepare({ taskId: 'other', branchName: 'other' })
    for (const worktreePath of [bench.repository.path, other.path, join(bench.lab.dataDir, 'worktrees', TASK)]) {
      expect(await codeOf(bench.remove({ worktreePath }))).toBe('CONFLICT')
      expect(existsSync(worktreePath)).toBe(true)
    }
  })

  it('finishes what a crash left: a record without a folder', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.worktree()
    await rm(path, { recursive: true })
    await bench.remove({ worktreePath: path })
    expect(await bench.repository.git('worktree', 'list', '--porcelain')).not.toContain(TASK)
  })

  it('removes folders that are read-only', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'cache/deep/file': 'x' })
    await chmod(join(worktree.path, 'cache/deep'), 0o500)
    await bench.remove()
    expect(existsSync(worktree.path)).toBe(false)
  })

  it('deletes the branch only if it has no commits of its own', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.commit({ 'a.txt': 'a' })
    expect(await bench.remove({ deleteBranch: true })).toMatchObject({ branchDeleted: false })
    await bench.repository.git('merge', '--quiet', BRANCH)
    expect(await bench.remove({ deleteBranch: true })).toMatchObject({ branchDeleted: true })
    expect(await bench.repository.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main')
  })

  it('refuses a name for the saved work that is not a saved ref', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.worktree()
    const request = { taskId: TASK, repositoryPath: bench.repository.path, worktreePath: path, branchName: BRANCH }
    expect(await codeOf(bench.workspaces.removeWorkspace({ ...request, saveRef: 'refs/heads/main' }))).toBe(
      'INVALID_PARAMS',
    )
  })
})

describe('reconciling at start', () => {
  it('tells what is missing and unknown, and forgets only records of our own', async () => {
    await using bench = await openWorkbench()
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map((taskId) => bench.prepare({ taskId, branchName: taskId })),
    )
    const foreign = join(bench.lab.folder, 'foreign')
    await bench.repository.git('worktree', 'add', '--quiet', foreign)
    await rm(foreign, { recursive: true })
    await rm(two?.path ?? '', { recursive: true })
    const known = [one, two].map((workspace, at) => ({
      taskId: ['one', 'two'][at] ?? '',
      repositoryPath: bench.repository.path,
      worktreePath: workspace?.path ?? '',
      branchName: workspace?.branchName ?? '',
    }))
    const lost = { taskId: 'lost', repositoryPath: '/nowhere', worktreePath: '/nowhere/x', branchName: 'x' }
    const workspaces = await bench.reopen()
    expect(await workspaces.reconcileWorkspaces({ known: [...known, lost] })).toEqual({
      missing: ['two'],
      unknown: [three?.path],
      mended: [two?.path],
      unreachable: [{ repositoryPath: '/nowhere', error: expect.objectContaining({ code: 'REPO_NOT_FOUND' }) }],
    })
    expect(existsSync(three?.path ?? '')).toBe(true)
    expect(await bench.repository.git('worktree', 'list', '--porcelain')).toContain(foreign)
    expect((await bench.prepare({ taskId: 'two', branchName: 'two' })).created).toBe(true)
  })

  it('leaves temporary files of a killed host behind', async () => {
    await using bench = await openWorkbench()
    await mkdir(join(bench.lab.dataDir, 'tmp/snapshot-old'), { recursive: true })
    await writeFile(join(bench.lab.dataDir, 'tmp/snapshot-old/index'), '')
    await bench.reopen()
    expect(readdirSync(join(bench.lab.dataDir, 'tmp'))).toEqual([])
  })
})
