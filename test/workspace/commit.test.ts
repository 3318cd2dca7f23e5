import { copyFile, link, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BRANCH, codeOf, openWorkbench, TASK } from './workbench.ts'

describe('committing for the agent', () => {
  it('commits all that is left under the name of the user, with trailers', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a', 'README.md': 'changed' })
    const commit = await bench.commit()
    expect(await worktree.git('log', '-1', '--format=%H%n%P%n%an <%ae>%n%cn%n%B')).toBe(
      [
        commit,
        worktree.baseCommit,
        'Test User <user@example.test>',
        'Test User',
        `Do the work\n\nTroupe-Task: ${TASK}\nTroupe-Agent: command\n`,
      ].join('\n'),
    )
    expect(await worktree.git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
  })

  it('gives the head commit when the agent committed all by itself', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const own = await worktree.commit({ 'a.txt': 'a' })
    expect(await bench.commit()).toBe(own)
    expect(await bench.commit()).toBe(own)
  })

  it('needs a name to commit with, and changes nothing without one', async () => {
    await using bench = await openWorkbench({ identity: false })
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    expect(await codeOf(bench.commit())).toBe('GIT_IDENTITY_MISSING')
    expect(await worktree.git('status', '--porcelain')).toBe('?? a.txt')
    await bench.repository.git('config', 'user.name', 'Local Name')
    await bench.repository.git('config', 'user.email', 'local@example.test')
    await bench.commit()
    expect(await worktree.git('log', '-1', '--format=%an <%ae>')).toBe('Local Name <local@example.test>')
  })

  it('keeps a message from adding headers or trailers of its own', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    const { commit } = await bench.workspaces.commitWorkspace({
      repositoryPath: bench.repository.path,
      worktreePath: worktree.path,
      branchName: BRANCH,
      message: '-F/etc/passwd\r\n\u0000\u001b[31m',
      trailers: { taskId: 'x\nSigned-off-by: nobody', agent: 'a' },
    })
    const body = await worktree.git('log', '-1', '--format=%B', commit)
    expect(body).toBe('-F/etc/passwd\n[31m\n\nTroupe-Task: x Signed-off-by: nobody\nTroupe-Agent: a\n')
  })

  it('brings commits of a detached HEAD to the branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.git('checkout', '--quiet', '--detach')
    const own = await worktree.commit({ 'a.txt': 'a' })
    await worktree.write({ 'b.txt': 'b' })
    const commit = await bench.commit()
    expect(await worktree.git('rev-parse', 'HEAD^', 'HEAD', '--abbrev-ref', 'HEAD')).toBe(
      `${own}\n${commit}\n${BRANCH}`,
    )
    expect(await worktree.git('status', '--porcelain')).toBe('')
  })

  it('joins both histories when the agent went on another branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const first = await worktree.commit({ 'first.txt': '1' })
    await worktree.git('checkout', '--quiet', '-b', 'own-idea', worktree.baseCommit)
    const second = await worktree.commit({ 'second.txt': '2' })
    const commit = await bench.commit()
    expect(await worktree.git('rev-parse', `${BRANCH}^1`, `${BRANCH}^2`)).toBe(`${first}\n${second}`)
    expect(await worktree.git('ls-tree', '-r', '--name-only', commit)).toBe('README.md\nsecond.txt')
    expect((await bench.diff()).files.map(({ path }) => path)).toEqual(['second.txt'])
    expect(await worktree.git('rev-parse', 'own-idea')).toBe(second)
  })

  it('returns to the branch when the folder was left at an older commit', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const own = await worktree.commit({ 'a.txt': 'a' })
    await worktree.git('checkout', '--quiet', '--detach', 'HEAD~1')
    expect(await bench.commit()).toBe(own)
    expect(await worktree.git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
  })

  it('makes the branch again when the agent renamed it', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const own = await worktree.commit({ 'a.txt': 'a' })
    await worktree.git('branch', '--move', 'renamed')
    expect(await bench.commit()).toBe(own)
    expect(await worktree.git('rev-parse', BRANCH)).toBe(own)
  })

  it('takes an orphan branch as work on top of the task branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.git('checkout', '--quiet', '--orphan', 'fresh')
    await worktree.write({ 'a.txt': 'a' })
    await bench.commit()
    expect(await worktree.git('rev-parse', 'HEAD^')).toBe(worktree.baseCommit)
  })

  it.each(['merge', 'rebase', 'cherry-pick', 'revert'])(
    'ends a %s that was left half done and loses nothing',
    async (operation) => {
      await using bench = await openWorkbench()
      const worktree = await bench.worktree()
      const ours = await worktree.commit({ 'README.md': 'ours\n' })
      const theirs = await bench.repository.commit({ 'README.md': 'theirs\n' })
      const target = operation === 'revert' ? worktree.baseCommit : theirs
      await worktree.git(operation, target).catch(() => {})
      await worktree.write({ 'more.txt': 'more' })
      const tree = (await bench.diff()).files.map(({ path }) => path)
      const commit = await bench.commit()
      expect(tree).toContain('more.txt')
      expect(await worktree.git('merge-base', '--is-ancestor', ours, commit)).toBe('')
      expect(await worktree.git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
      expect(await worktree.git('status')).not.toMatch(/in progress|still merging|currently/)
    },
  )

  it('records a merge that was resolved as a merge', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const ours = await worktree.commit({ 'README.md': 'ours\n' })
    const theirs = await bench.repository.commit({ 'README.md': 'theirs\n' })
    await worktree.git('merge', theirs).catch(() => {})
    await worktree.write({ 'README.md': 'both\n' })
    await worktree.git('add', 'README.md')
    await bench.commit()
    expect(await worktree.git('rev-parse', 'HEAD^1', 'HEAD^2')).toBe(`${ours}\n${theirs}`)
  })

  it('heals an index that a crash left behind the branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const gitDir = await worktree.git('rev-parse', '--absolute-git-dir')
    await copyFile(join(gitDir, 'index'), join(gitDir, 'index.old'))
    await worktree.write({ 'a.txt': 'a' })
    const commit = await bench.commit()
    await copyFile(join(gitDir, 'index.old'), join(gitDir, 'index'))
    expect(await bench.commit()).toBe(commit)
    expect(await worktree.git('status', '--porcelain')).toBe('')
  })

  it('waits for a lock that somebody holds', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const gitDir = await worktree.git('rev-parse', '--absolute-git-dir')
    await worktree.write({ 'a.txt': 'a' })
    await writeFile(join(gitDir, 'index.lock'), '')
    const committing = bench.commit()
    await expect.poll(() => worktree.git('log', '-1', '--format=%s')).toBe('Do the work')
    await rm(join(gitDir, 'index.lock'))
    await committing
    expect(await worktree.git('status', '--porcelain')).toBe('')
  })

  it('takes the lock of a host that was killed for its own, and leaves nothing beside the index', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const gitDir = await worktree.git('rev-parse', '--absolute-git-dir')
    await worktree.write({ 'a.txt': 'a' })
    await writeFile(join(gitDir, 'index.troupe'), 'half')
    await link(join(gitDir, 'index.troupe'), join(gitDir, 'index.lock'))
    await bench.commit()
    expect(await worktree.git('status', '--porcelain')).toBe('')
    expect((await readdir(gitDir)).filter((name) => name.startsWith('index'))).toEqual(['index'])
  })

  it('leaves a branch alone that somebody checked out elsewhere', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.git('checkout', '--quiet', '--detach')
    await worktree.write({ 'a.txt': 'a' })
    await bench.repository.git('checkout', '--quiet', BRANCH)
    expect(
      await codeOf(
        bench.workspaces.commitWorkspace({
          repositoryPath: bench.repository.path,
          worktreePath: worktree.path,
          branchName: BRANCH,
          message: 'x',
          trailers: { taskId: TASK, agent: 'a' },
        }),
      ),
    ).toBe('REPO_BRANCH_IN_USE')
  })

  it('says that the worktree is gone', async () => {
    await using bench = await openWorkbench()
    const request = {
      repositoryPath: bench.repository.path,
      branchName: BRANCH,
      message: 'x',
      trailers: { taskId: TASK, agent: 'a' },
    }
    expect(await codeOf(bench.workspaces.commitWorkspace({ ...request, worktreePath: '/nowhere' }))).toBe(
      'WORKTREE_MISSING',
    )
    const foreign = bench.workspaces.commitWorkspace({ ...request, worktreePath: bench.lab.folder })
    expect(await codeOf(foreign)).toBe('WORKTREE_MISSING')
  })
})
