import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BRANCH, codeOf, isAlive, openWorkbench, TASK } from './workbench.ts'

describe('preparing a worktree', () => {
  it('makes a worktree on a new branch at the commit of the base branch', async () => {
    await using bench = await openWorkbench()
    const head = await bench.repository.git('rev-parse', 'main')
    const prepared = await bench.prepare()
    expect(prepared).toEqual({
      path: join(bench.lab.dataDir, 'worktrees', TASK, 'project'),
      branchName: BRANCH,
      baseCommit: head,
      created: true,
      notices: [],
    })
    const worktree = bench.lab.at(prepared.path)
    expect(await worktree.git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
    expect(await readFile(join(prepared.path, 'README.md'), 'utf8')).toBe('A project.\n')
    expect(await bench.repository.git('status', '--porcelain')).toBe('')
  })

  it('begins at the commit that was settled for it, wherever the base branch is now', async () => {
    await using bench = await openWorkbench()
    const baseCommit = await bench.repository.git('rev-parse', 'main')
    await bench.repository.commit({ 'base.txt': 'moved' })
    const prepared = await bench.prepare({ baseCommit })
    expect(prepared.baseCommit).toBe(baseCommit)
    expect(existsSync(join(prepared.path, 'base.txt'))).toBe(false)
    expect(await bench.lab.at(prepared.path).git('status', '--porcelain')).toBe('')
  })

  it('says so when the commit that was settled for it is gone', async () => {
    await using bench = await openWorkbench()
    const failure = bench.prepare({ baseCommit: 'a'.repeat(40) })
    await expect(failure).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('aaaaaaaa') })
    expect(await bench.repository.git('branch', '--list', BRANCH)).toBe('')
  })

  it('finds the worktree again with the work in it, and keeps the base commit when the base moves', async () => {
    await using bench = await openWorkbench()
    const first = await bench.prepare()
    await writeFile(join(first.path, 'new.txt'), 'work')
    await bench.repository.commit({ 'base.txt': 'moved' })
    await bench.reopen()
    const second = await bench.prepare()
    expect(second).toEqual({ ...first, created: false })
    expect(existsSync(join(second.path, 'new.txt'))).toBe(true)
  })

  it('adds the worktree again when its folder is gone, with the commits of the branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.commit({ 'done.txt': 'done' })
    await rm(worktree.path, { recursive: true })
    const again = await bench.prepare()
    expect(again.created).toBe(true)
    expect(await readFile(join(again.path, 'done.txt'), 'utf8')).toBe('done')
  })

  it('finishes a worktree whose checkout was cut short', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    const gitDir = await bench.lab.at(path).git('rev-parse', '--absolute-git-dir')
    await rm(join(gitDir, 'index'))
    await rm(join(bench.lab.dataDir, 'worktrees', TASK, '.project.prepared'))
    await writeFile(join(path, 'README.md'), 'A pro')
    await bench.prepare()
    expect(await readFile(join(path, 'README.md'), 'utf8')).toBe('A project.\n')
    expect(await bench.lab.at(path).git('status', '--porcelain')).toBe('')
  })

  it('makes a lost index again without touching the work', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    const gitDir = await bench.lab.at(path).git('rev-parse', '--absolute-git-dir')
    await rm(join(gitDir, 'index'))
    await writeFile(join(path, 'README.md'), 'Changed by the agent')
    await bench.prepare()
    expect(await bench.lab.at(path).git('status', '--porcelain')).toBe(' M README.md')
  })

  it('begins anew where "git worktree add" was killed half-way', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    const gitDir = await bench.lab.at(path).git('rev-parse', '--absolute-git-dir')
    await rm(path, { recursive: true })
    await mkdir(path)
    await rm(join(gitDir, 'index'))
    await writeFile(join(gitDir, 'locked'), 'initializing')
    const again = await bench.prepare()
    expect(again.created).toBe(true)
    expect(await bench.lab.at(path).git('status', '--porcelain')).toBe('')
  })

  it('begins anew where its own record was written half-way', async () => {
    await using bench = await openWorkbench()
    const record = join(bench.repository.path, '.git/worktrees/project')
    await mkdir(record, { recursive: true })
    await writeFile(join(record, 'commondir'), '../..\n')
    await mkdir(join(bench.lab.dataDir, 'worktrees', TASK, 'project'), { recursive: true })
    const { path, created } = await bench.prepare()
    expect(created).toBe(true)
    expect(await bench.lab.at(path).git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
    await bench.repository.git('worktree', 'prune')
    expect(existsSync(record)).toBe(false)
    expect(await bench.lab.at(path).git('rev-parse', '--abbrev-ref', 'HEAD')).toBe(BRANCH)
  })

  it('leaves the record to git where the repository is shared with a group', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('config', 'core.sharedRepository', 'group')
    const { path } = await bench.prepare()
    expect(await bench.lab.at(path).git('status', '--porcelain', '--branch')).toBe(`## ${BRANCH}`)
    expect(statSync(join(bench.repository.path, '.git/worktrees/project/HEAD')).mode & 0o020).toBe(0o020)
  })

  it('makes a record that git has nothing to say against', async () => {
    await using bench = await openWorkbench({ name: 'a..b.lock' })
    const { path } = await bench.prepare()
    await bench.prepare({ taskId: 'second', branchName: 'second' })
    const listed = await bench.repository.git('worktree', 'list', '--porcelain')
    expect(listed).toContain(`worktree ${path}\n`)
    expect(listed).not.toMatch(/^(?:prunable|locked|detached)/m)
    expect(await bench.repository.git('worktree', 'prune', '--dry-run', '--verbose')).toBe('')
    await bench.repository.git('fsck', '--strict')
    await bench.lab.at(path).commit({ 'a.txt': 'a' })
    expect(await bench.lab.at(path).git('rev-parse', 'HEAD')).toBe(await bench.repository.git('rev-parse', BRANCH))
    await bench.repository.git('worktree', 'remove', path)
    expect(existsSync(path)).toBe(false)
  })

  it('moves a folder that git does not know aside and deletes nothing of it', async () => {
    await using bench = await openWorkbench()
    const folder = join(bench.lab.dataDir, 'worktrees', TASK)
    await mkdir(join(folder, 'project'), { recursive: true })
    await writeFile(join(folder, 'project', 'precious.txt'), 'precious')
    await bench.prepare()
    const aside = readdirSync(folder).find((name) => name.startsWith('project.aside-'))
    expect(await readFile(join(folder, aside ?? '', 'precious.txt'), 'utf8')).toBe('precious')
  })

  it('repairs a .git file that the agent broke', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    await writeFile(join(path, '.git'), 'gitdir: /nowhere\n')
    await bench.prepare()
    expect(await bench.lab.at(path).git('rev-parse', '--abbrev-ref', 'HEAD')).toBe(BRANCH)
  })

  it('follows a repository that was moved', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'work.txt': 'work' })
    const moved = join(bench.lab.folder, 'moved')
    await rename(bench.repository.path, moved)
    const again = await bench.prepare({ repositoryPath: moved })
    expect(again).toMatchObject({ path: worktree.path, created: false })
    expect(await bench.lab.at(again.path).git('status', '--porcelain')).toBe('?? work.txt')
  })

  it('restores a branch that was deleted meanwhile at its base commit', async () => {
    await using bench = await openWorkbench()
    const { path, baseCommit } = await bench.prepare()
    await rm(path, { recursive: true })
    await bench.repository.git('worktree', 'prune')
    await bench.repository.git('branch', '-D', BRANCH)
    await bench.prepare()
    expect(await bench.repository.git('rev-parse', BRANCH)).toBe(baseCommit)
  })

  it('serves many tasks of one repository at once', async () => {
    await using bench = await openWorkbench()
    const names = Array.from({ length: 8 }, (_, number) => `task-${number}`)
    const prepared = await Promise.all(names.map((taskId) => bench.prepare({ taskId, branchName: `troupe/${taskId}` })))
    for (const { path, branchName } of prepared) {
      expect(await bench.lab.at(path).git('status', '--porcelain', '--branch')).toBe(`## ${branchName}`)
    }
  })

  it('makes one worktree when the same task is prepared twice at once', async () => {
    await using bench = await openWorkbench()
    const both = await Promise.all([bench.prepare(), bench.prepare()])
    expect(both.map(({ created }) => created)).toEqual([true, false])
  })

  it('keeps two repositories of one name apart in one task', async () => {
    await using bench = await openWorkbench()
    const other = await bench.lab.repository('elsewhere/project')
    const [one, two] = [await bench.prepare(), await bench.prepare({ repositoryPath: other.path })]
    expect(two.path).not.toBe(one.path)
    expect((await bench.prepare({ repositoryPath: other.path })).path).toBe(two.path)
    expect((await bench.prepare()).path).toBe(one.path)
  })

  it('gives up when it is aborted', async () => {
    await using bench = await openWorkbench()
    expect(await codeOf(bench.prepare({ signal: AbortSignal.abort() }))).toBe('ABORTED')
    expect((await bench.prepare()).created).toBe(true)
  })
})

describe('the branch of a task', () => {
  it('is refused when a branch of that name belongs to somebody else', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('branch', BRANCH)
    expect(await codeOf(bench.prepare())).toBe('REPO_BRANCH_EXISTS')
  })

  it('is refused when another branch is in the way of its name', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('branch', 'troupe')
    const failure = bench.prepare()
    await expect(failure).rejects.toThrow(/the branch troupe is in its way/)
    expect(await codeOf(failure)).toBe('REPO_BRANCH_EXISTS')
  })

  it('is refused while it is checked out in another folder', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    await rm(path, { recursive: true })
    await bench.repository.git('worktree', 'prune')
    await bench.repository.git('checkout', '--quiet', BRANCH)
    expect(await codeOf(bench.prepare())).toBe('REPO_BRANCH_IN_USE')
  })

  it('needs a base branch that exists', async () => {
    await using bench = await openWorkbench()
    const failure = bench.prepare({ baseBranch: 'nowhere' })
    await expect(failure).rejects.toThrow(/Its branches: main\./)
    expect(await codeOf(failure)).toBe('REPO_BRANCH_MISSING')
  })

  it('cannot pass for an option', async () => {
    await using bench = await openWorkbench()
    expect(await codeOf(bench.prepare({ branchName: '--force' }))).toBe('INVALID_PARAMS')
    expect(await codeOf(bench.prepare({ baseBranch: '--all' }))).toBe('REPO_BRANCH_MISSING')
  })
})

describe('the [setup] step', () => {
  it('copies untracked and ignored files, folders too, and says what it left out', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ '.gitignore': '.env\nlocal/\n', 'tracked.txt': 'old' })
    await bench.repository.write({ '.env': 'KEY=1', 'local/a/b.txt': 'b', 'tracked.txt': 'edited by the user' })
    const copy = ['.env', './local/', 'tracked.txt', 'missing', '../outside', '/etc/passwd', '.git/config', ':(top)*']
    const { path, notices } = await bench.prepare({ setup: { copy } })
    expect(await readFile(join(path, '.env'), 'utf8')).toBe('KEY=1')
    expect(await readFile(join(path, 'local/a/b.txt'), 'utf8')).toBe('b')
    expect(await readFile(join(path, 'tracked.txt'), 'utf8')).toBe('old')
    expect(notices).toHaveLength(6)
    expect((await bench.prepare({ setup: { copy } })).notices).toEqual([])
  })

  it('follows no link, in the repository or in the branch', async () => {
    await using bench = await openWorkbench()
    const outside = join(bench.lab.folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'secret')
    // The branch has a link where the user's folder has a folder.
    await symlink(outside, join(bench.repository.path, 'conf'))
    await bench.repository.commit({})
    await rm(join(bench.repository.path, 'conf'))
    await bench.repository.write({ 'conf/planted': 'planted', plain: 'plain' })
    await symlink(join(outside, 'secret'), join(bench.repository.path, 'link'))
    const { path, notices } = await bench.prepare({ setup: { copy: ['conf/planted', 'link', 'plain'] } })
    expect(notices).toHaveLength(2)
    expect(existsSync(join(outside, 'planted'))).toBe(false)
    expect(existsSync(join(path, 'link'))).toBe(false)
    expect(existsSync(join(path, 'plain'))).toBe(true)
  })

  it('runs its command once, in the worktree, with only the given environment', async () => {
    await using bench = await openWorkbench()
    const setup = { copy: [], run: 'echo run >> log; env > environment; pwd >> log' }
    const { path } = await bench.prepare({ setup, env: { PATH: process.env['PATH'] ?? '', ONLY: 'this' } })
    await bench.prepare({ setup })
    expect(await readFile(join(path, 'log'), 'utf8')).toBe(`run\n${path}\n`)
    const environment = await readFile(join(path, 'environment'), 'utf8')
    expect(environment).toContain('ONLY=this')
    expect(environment).not.toContain('HOME=')
  })

  it('fails with the end of what the command printed, and runs again the next time', async () => {
    await using bench = await openWorkbench()
    const setup = { copy: [], run: 'echo begun; test -e fixed || { echo "no \u001b[31mluck" >&2; exit 3; }' }
    const failure = bench.prepare({ setup })
    await expect(failure).rejects.toMatchObject({
      code: 'WORKTREE_SETUP_FAILED',
      details: { reason: 'ended with exit code 3', output: expect.stringContaining('begun') },
    })
    await expect(failure).rejects.toThrow(/no {2}?\[31mluck/)
    await writeFile(join(bench.lab.dataDir, 'worktrees', TASK, 'project', 'fixed'), '')
    expect(await bench.prepare({ setup })).toMatchObject({ created: false })
  })

  it('ends a command that does not end, with its descendants', async () => {
    await using bench = await openWorkbench()
    const setup = { copy: [], run: 'sleep 300 & echo $! > pid; wait', timeoutMs: 2000 }
    await expect(bench.prepare({ setup })).rejects.toThrow(/did not finish within 2000 ms/)
    const pid = Number(await readFile(join(bench.lab.dataDir, 'worktrees', TASK, 'project', 'pid'), 'utf8'))
    await expect.poll(() => isAlive(pid)).toBe(false)
  })

  it('bounds the memory for a command that floods', async () => {
    await using bench = await openWorkbench()
    const setup = { copy: [], run: 'head -c 20000000 /dev/zero | tr "\\0" x; exit 1' }
    const error: unknown = await bench.prepare({ setup }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'WORKTREE_SETUP_FAILED' })
    expect(JSON.stringify(error).length).toBeLessThan(40_000)
  })
})
