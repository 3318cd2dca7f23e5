import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { makeLocalWorkspace } from '../../core/runner/local-workspace.ts'
import { BRANCH, codeOf, openWorkbench, TASK, type Workbench } from './workbench.ts'

/** A task whose work is committed. */
async function openDone(): Promise<Workbench & { readonly tip: string }> {
  await using cleanup = new AsyncDisposableStack()
  const bench = cleanup.use(await openWorkbench())
  await bench.repository.commit({ 'shared.txt': 'one\n', 'other.txt': 'other\n' })
  const worktree = await bench.worktree()
  await worktree.write({ 'work.txt': 'work\n', 'shared.txt': 'one\nchanged\n' })
  const tip = await bench.commit()
  cleanup.move() // The test disposes of it now.
  return { ...bench, tip }
}

/** All that a merge could change. */
async function stateOf({ repository }: Workbench): Promise<string> {
  const refs = await repository.git('for-each-ref')
  return [
    refs,
    await repository.git('status', '--porcelain'),
    await repository.git('diff'),
    await repository.git('rev-parse', 'HEAD'),
  ].join('\n')
}

describe('merging the work of a task', () => {
  it('commits nothing when it was given up before', async () => {
    await using bench = await openDone()
    const worktree = await bench.worktree()
    const { path, baseCommit } = worktree
    await worktree.write({ 'late.txt': 'late\n' })
    const before = await stateOf(bench)
    const setup = { setup: { copy: [] }, branchTemplate: '', notices: [] }
    const workspace = makeLocalWorkspace({ workspaces: bench.workspaces, setup: () => setup })
    const place = {
      taskId: TASK,
      title: 'Work',
      agent: 'command',
      repositoryPath: bench.repository.path,
      baseBranch: 'main',
      branchName: BRANCH,
      baseCommit,
      worktreePath: path,
    }
    const signal = AbortSignal.abort(new TroupeError('TIMEOUT', 'too long'))
    expect(await codeOf(workspace.merge(place, { strategy: 'merge', signal }))).toBe('TIMEOUT')
    expect(await stateOf(bench)).toBe(before)
  })

  it('makes a merge commit with both parents and trailers, and brings the user folder along', async () => {
    await using bench = await openDone()
    const base = await bench.repository.git('rev-parse', 'main')
    const { commit, endCommit, leftBehind } = await bench.merge()
    expect({ endCommit, leftBehind }).toEqual({ endCommit: bench.tip, leftBehind: [] })
    expect(await bench.repository.git('log', '-1', '--format=%H %P%n%B', 'main')).toBe(
      `${commit} ${base} ${bench.tip}\nMerge the work\n\nTroupe-Task: ${TASK}\nTroupe-Agent: command\n`,
    )
    expect(await bench.repository.git('status', '--porcelain', '--branch')).toBe('## main')
    expect(await readFile(join(bench.repository.path, 'work.txt'), 'utf8')).toBe('work\n')
  })

  it('squashes into one commit', async () => {
    await using bench = await openDone()
    const base = await bench.repository.git('rev-parse', 'main')
    const { commit } = await bench.merge('squash')
    expect(await bench.repository.git('log', '-1', '--format=%H %P', 'main')).toBe(`${commit} ${base}`)
    expect(await bench.repository.git('diff', 'main', BRANCH)).toBe('')
  })

  it('fast-forwards, or says that it cannot', async () => {
    await using bench = await openDone()
    await bench.repository.commit({ 'later.txt': 'later' })
    const before = await stateOf(bench)
    expect(await codeOf(bench.merge('fast_forward'))).toBe('MERGE_NOT_FAST_FORWARD')
    expect(await stateOf(bench)).toBe(before)
    await bench.repository.git('reset', '--quiet', '--hard', 'HEAD~1')
    expect((await bench.merge('fast_forward')).commit).toBe(bench.tip)
    expect(await bench.repository.git('status', '--porcelain')).toBe('')
  })

  it('merges with what came to the base meanwhile', async () => {
    await using bench = await openDone()
    await bench.repository.commit({ 'later.txt': 'later' })
    await bench.merge('squash')
    expect(await bench.repository.git('ls-files')).toBe('README.md\nlater.txt\nother.txt\nshared.txt\nwork.txt')
    expect(await bench.repository.git('status', '--porcelain')).toBe('')
  })

  it.each(['merge', 'squash', 'fast_forward'] as const)(
    'gives the same commit when %s is asked for again',
    async (strategy) => {
      await using bench = await openDone()
      const { commit } = await bench.merge(strategy)
      const later = await bench.repository.commit({ 'later.txt': 'later' })
      expect(await bench.merge(strategy)).toEqual({ commit, endCommit: bench.tip, leftBehind: [] })
      await bench.remove()
      await bench.repository.git('branch', '-D', BRANCH)
      expect((await bench.merge(strategy)).commit).toBe(commit)
      expect(await bench.repository.git('rev-parse', 'main')).toBe(later)
    },
  )

  it('merges once more when the user took the merge back', async () => {
    await using bench = await openDone()
    await bench.merge()
    await bench.repository.git('reset', '--quiet', '--hard', 'HEAD~1')
    const { commit } = await bench.merge()
    expect(await bench.repository.git('rev-parse', 'main')).toBe(commit)
  })

  it('recognises a merge that the user made by hand', async () => {
    await using bench = await openDone()
    await bench.repository.git('merge', '--quiet', '--no-ff', '-m', 'By hand', BRANCH)
    const byHand = await bench.repository.git('rev-parse', 'main')
    await bench.repository.commit({ 'later.txt': 'later' })
    expect((await bench.merge()).commit).toBe(byHand)
  })

  it('recognises a fast-forward that the user made by hand', async () => {
    await using bench = await openDone()
    await bench.repository.git('merge', '--quiet', '--ff-only', BRANCH)
    await bench.repository.commit({ 'later.txt': 'later' })
    expect((await bench.merge()).commit).toBe(bench.tip)
  })

  it('names the files of a conflict and changes nothing', async () => {
    await using bench = await openDone()
    await bench.repository.commit({ 'shared.txt': 'two\n', 'späce "q".txt': 'base\n' })
    const worktree = await bench.worktree()
    await worktree.commit({ 'späce "q".txt': 'task\n' })
    const before = await stateOf(bench)
    for (const strategy of ['merge', 'squash'] as const) {
      const error: unknown = await bench.merge(strategy).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'MERGE_CONFLICT', details: { files: ['shared.txt', 'späce "q".txt'] } })
    }
    expect(await stateOf(bench)).toBe(before)
  })

  it('says when there is nothing to merge', async () => {
    await using bench = await openWorkbench()
    await bench.worktree()
    await expect(bench.merge()).rejects.toMatchObject({
      code: 'TASK_NO_CHANGES',
      message: expect.stringMatching(/nothing to merge\. Request changes, or reject/),
    })
    await bench.repository.commit({ 'later.txt': 'later' })
    expect(await codeOf(bench.merge())).toBe('TASK_NO_CHANGES')
    const worktree = await bench.worktree()
    await worktree.commit({ 'later.txt': 'later' }, 'The same by itself')
    expect(await codeOf(bench.merge())).toBe('TASK_NO_CHANGES')
  })

  it('says that the base branch is gone', async () => {
    await using bench = await openDone()
    await bench.repository.git('branch', '--move', 'trunk')
    expect(await codeOf(bench.merge())).toBe('REPO_BRANCH_MISSING')
  })

  it('needs no folder on the base branch', async () => {
    await using bench = await openDone()
    await bench.repository.git('checkout', '--quiet', '-b', 'elsewhere')
    const { commit } = await bench.merge()
    expect(await bench.repository.git('rev-parse', 'main')).toBe(commit)
    expect(await bench.repository.git('status', '--porcelain', '--branch')).toBe('## elsewhere')
  })

  it('merges two tasks of one repository at once', async () => {
    await using bench = await openDone()
    const other = { taskId: 'other', branchName: 'troupe/other' }
    const { path, baseCommit } = await bench.prepare(other)
    const worktree = bench.lab.at(path)
    await worktree.commit({ 'second.txt': 'second' })
    const place = { repositoryPath: bench.repository.path, branchName: 'troupe/other', baseBranch: 'main', baseCommit }
    const trailers = { taskId: 'other', agent: 'a' }
    const second = bench.workspaces.mergeWorkspace({ ...place, strategy: 'merge', message: 'Second', trailers })
    await Promise.all([bench.merge(), second])
    expect(await bench.repository.git('ls-files')).toBe('README.md\nother.txt\nsecond.txt\nshared.txt\nwork.txt')
    expect(await bench.repository.git('status', '--porcelain')).toBe('')
  })

  it('survives a base branch that moves all the time', async () => {
    await using bench = await openDone()
    await bench.repository.git('checkout', '--quiet', '--detach')
    const tree = await bench.repository.git('rev-parse', 'main^{tree}')
    const merged = new AbortController()
    const moves = (async () => {
      while (!merged.signal.aborted) {
        const commit = await bench.repository.git('commit-tree', tree, '-p', 'main', '-m', 'Move')
        await bench.repository.git('update-ref', 'refs/heads/main', commit).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
    })()
    const outcome = await codeOf(bench.merge()).finally(() => merged.abort())
    await moves
    // Either it got through, or it gave up with nothing changed; never a lost commit.
    if (outcome === 'CONFLICT')
      expect(await bench.repository.git('branch', '--contains', bench.tip)).not.toContain('main')
    else expect(outcome).toMatchObject({ message: 'It did not fail.' })
  })
})

describe('a folder that has the base branch checked out', () => {
  it('keeps what is uncommitted there when the merge does not touch it', async () => {
    await using bench = await openDone()
    await bench.repository.write({ 'other.txt': 'edited', 'untracked.txt': 'mine' })
    await bench.repository.write({ 'staged.txt': 'staged' })
    await bench.repository.git('add', 'staged.txt')
    await bench.merge()
    expect(await bench.repository.git('status', '--porcelain')).toBe(' M other.txt\nA  staged.txt\n?? untracked.txt')
    expect(await readFile(join(bench.repository.path, 'work.txt'), 'utf8')).toBe('work\n')
  })

  it.each([
    ['an edited file', { 'shared.txt': 'mine\n' }, [], ['shared.txt']],
    ['a staged file', { 'shared.txt': 'mine\n' }, ['add', 'shared.txt'], ['shared.txt']],
    ['an untracked file', { 'work.txt': 'mine' }, [], ['work.txt']],
    ['an untracked folder', { 'work.txt/inside': 'mine' }, [], ['work.txt']],
  ])('stops the merge with %s in its way', async (_, files, command, named) => {
    await using bench = await openDone()
    await bench.repository.write(files)
    if (command.length > 0) await bench.repository.git(...command)
    const before = await stateOf(bench)
    const error: unknown = await bench.merge().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'MERGE_BLOCKED', details: { files: named, folder: bench.repository.path } })
    expect(await stateOf(bench)).toBe(before)
  })

  it('stops the merge rather than overwrite an ignored file', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ '.gitignore': '.env\n' })
    const worktree = await bench.worktree()
    await worktree.commit({ '.env': 'from the agent' })
    await bench.repository.write({ '.env': 'precious' })
    expect(await codeOf(bench.merge())).toBe('MERGE_BLOCKED')
    expect(await readFile(join(bench.repository.path, '.env'), 'utf8')).toBe('precious')
  })

  it('is not stopped by files that were only touched', async () => {
    await using bench = await openDone()
    await bench.repository.write({ 'shared.txt': 'one\n' })
    await bench.merge()
    expect(await bench.repository.git('status', '--porcelain')).toBe('')
  })

  it('may be another worktree', async () => {
    await using bench = await openDone()
    const linked = join(bench.lab.folder, 'linked')
    await bench.repository.git('checkout', '--quiet', '--detach')
    await bench.repository.git('worktree', 'add', '--quiet', linked, 'main')
    await bench.merge()
    expect(await bench.lab.at(linked).git('status', '--porcelain')).toBe('')
    expect(await readFile(join(linked, 'work.txt'), 'utf8')).toBe('work\n')
  })

  it.each(['merge', 'squash', 'fast_forward'] as const)(
    'is brought along later when a crash came in between (%s)',
    async (strategy) => {
      await using bench = await openDone()
      const { repository } = bench
      const base = await repository.git('rev-parse', 'main')
      const { commit } = await bench.merge(strategy)
      // As after the transaction, before the folder followed.
      await repository.git('read-tree', '-m', '-u', commit, base)
      await repository.write({ 'other.txt': 'edited' })
      expect(await repository.git('status', '--porcelain')).not.toBe(' M other.txt')
      expect(await bench.merge(strategy)).toMatchObject({ commit, leftBehind: [] })
      expect(await repository.git('status', '--porcelain')).toBe(' M other.txt')
    },
  )

  it('is left alone later when the user has gone on in it', async () => {
    await using bench = await openDone()
    const { commit } = await bench.merge()
    await rm(join(bench.repository.path, 'work.txt'))
    await bench.repository.git('checkout', '--quiet', 'HEAD~1', '--', 'shared.txt')
    const before = await stateOf(bench)
    expect((await bench.merge()).commit).toBe(commit)
    expect(await stateOf(bench)).toBe(before)
  })
})
