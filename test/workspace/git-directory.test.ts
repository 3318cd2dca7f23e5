import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, lstat, mkdir, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BRANCH, codeOf, openWorkbench, trailers, type Workbench } from './workbench.ts'

/** Puts a pipe in the place of a file: whoever opens it waits for ever. */
async function pipe(path: string): Promise<void> {
  await rm(path, { force: true })
  execFileSync('mkfifo', [path])
}

const gitFolder = (bench: Workbench): string => join(bench.repository.path, '.git')

describe('what lies in the `info` folder of a repository', () => {
  it('hides nothing from the diff and settles no conflict', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ 'a.txt': 'one\n' })
    const worktree = await bench.worktree()
    await mkdir(join(gitFolder(bench), 'info'), { recursive: true })
    await writeFile(join(gitFolder(bench), 'info/attributes'), '* -diff merge=union\n')
    await worktree.write({ 'a.txt': 'task\n' })
    expect((await bench.diff()).files).toMatchObject([{ path: 'a.txt', binary: false, additions: 1 }])
    await bench.commit()
    await bench.repository.commit({ 'a.txt': 'base\n' })
    expect(await codeOf(bench.merge())).toBe('MERGE_CONFLICT')
  })

  it('hides no history, also after a view that linked all of it', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const commit = await worktree.commit({ 'a.txt': 'a' })
    await mkdir(join(gitFolder(bench), 'info'), { recursive: true })
    await writeFile(join(gitFolder(bench), 'info/grafts'), `${commit}\n`)
    const views = join(bench.lab.dataDir, 'git')
    const info = join(views, (await readdir(views))[0] ?? '', 'info')
    await rm(info, { recursive: true })
    await symlink(join(gitFolder(bench), 'info'), info)
    expect((await bench.merge('fast_forward')).commit).toBe(commit)
    expect(await readdir(info)).toEqual(['exclude'])
    expect((await lstat(info)).mode & 0o777).toBe(0o700)
    expect(existsSync(join(gitFolder(bench), 'info/grafts'))).toBe(true)
  })

  it('still says which files are not work', async () => {
    await using bench = await openWorkbench()
    await mkdir(join(gitFolder(bench), 'info'), { recursive: true })
    await writeFile(join(gitFolder(bench), 'info/exclude'), '*.log\n')
    const worktree = await bench.worktree()
    await worktree.write({ 'a.log': '', 'a.txt': '' })
    expect((await bench.diff()).files.map(({ path }) => path)).toEqual(['a.txt'])
  })
})

describe('a pipe or a huge file in a git directory', () => {
  const inspect = ({ workspaces, repository }: Workbench) => workspaces.inspectRepository(repository.path)

  it.each(['config', 'packed-refs', 'shallow', 'info/exclude', 'commondir'])(
    'is refused in the place of %s',
    async (name) => {
      await using bench = await openWorkbench()
      await mkdir(join(gitFolder(bench), 'info'), { recursive: true })
      await pipe(join(gitFolder(bench), name))
      await expect(inspect(bench)).rejects.toThrow(`${join(gitFolder(bench), name)} is not a regular file`)
    },
  )

  it('is no repository in the place of HEAD, and no `.git` file', async () => {
    await using bench = await openWorkbench()
    await pipe(join(gitFolder(bench), 'HEAD'))
    expect(await codeOf(inspect(bench))).toBe('REPO_NOT_GIT')
    await rm(gitFolder(bench), { recursive: true })
    await pipe(gitFolder(bench))
    expect(await codeOf(inspect(bench))).toBe('REPO_NOT_GIT')
    await rm(gitFolder(bench))
    await writeFile(gitFolder(bench), 'gitdir: x\n')
    await truncate(gitFolder(bench), 2 ** 40)
    expect(await codeOf(inspect(bench))).toBe('REPO_NOT_GIT')
  })

  it('does not hold up the search for the task among the records of worktrees', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    const other = join(gitFolder(bench), 'worktrees/a')
    await mkdir(other)
    await pipe(join(other, 'gitdir'))
    expect((await bench.diff()).files.map(({ path }) => path)).toEqual(['a.txt'])
    await expect(bench.merge()).rejects.toThrow(`${join(other, 'gitdir')} is not a regular file`)
  })

  it('does not hold up the work that has it for an index, a merge or a ref', async () => {
    await using bench = await openWorkbench()
    const { workspaces, repository } = bench
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    const own = join(gitFolder(bench), 'worktrees/project')
    await pipe(join(own, 'MERGE_HEAD'))
    const place = { repositoryPath: repository.path, worktreePath: worktree.path, branchName: BRANCH }
    const { commit } = await workspaces.commitWorkspace({ ...place, message: 'Work', trailers })
    expect(await repository.git('rev-list', '--count', `main..${commit}`)).toBe('1')
    await pipe(join(own, 'index'))
    await expect(bench.diff()).rejects.toThrow('index is not a regular file')
    await rm(join(own, 'index'))
    await writeFile(join(own, 'index'), '')
    await truncate(join(own, 'index'), 2 ** 40)
    await expect(bench.diff()).rejects.toThrow('over the limit')
  })

  it('does not hold up the list of files of a branch', async () => {
    await using bench = await openWorkbench()
    const list = () => bench.workspaces.listFiles({ repositoryPath: bench.repository.path, branch: 'main', limit: 1 })
    await bench.repository.git('pack-refs', '--all')
    await list()
    // Read in process from now on.
    await pipe(join(gitFolder(bench), 'packed-refs'))
    expect(await codeOf(list())).toBe('GIT_FAILED')
  })

  it('is replaced in the place of the `.git` file of a task', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    await pipe(join(path, '.git'))
    expect(await bench.prepare()).toMatchObject({ path, created: false })
    expect(await bench.lab.at(path).git('status', '--porcelain')).toBe('')
  })
})

describe('a repository of another user', () => {
  const OTHER = 12_345
  const asRoot = process.getuid?.() === 0

  it('is not touched until its owner is trusted', async ({ skip }) => {
    skip(!asRoot, 'only root may give files away')
    await using bench = await openWorkbench()
    const { repository, lab } = bench
    const inspect = () => bench.workspaces.inspectRepository(repository.path)
    for (const path of [repository.path, gitFolder(bench)]) {
      await chown(path, OTHER, OTHER)
      await expect(inspect()).rejects.toMatchObject({ code: 'REPO_UNWRITABLE' })
      await expect(inspect()).rejects.toThrow(
        `${path} belongs to the user with id ${OTHER}, whose configuration could run programs as you. ` +
          `If you trust its owner, run: git config --global --add safe.directory ${repository.path}`,
      )
      await chown(path, 0, 0)
    }
    expect(existsSync(join(lab.dataDir, 'git'))).toBe(false)
    await chown(gitFolder(bench), OTHER, OTHER)
    expect(await codeOf(bench.prepare())).toBe('REPO_UNWRITABLE')
    const safe = (entry: string) => lab.at(lab.folder).git('config', '--global', '--add', 'safe.directory', entry)
    await safe(join(lab.folder, 'else'))
    expect(await codeOf(inspect())).toBe('REPO_UNWRITABLE')
    await safe(repository.path)
    expect((await inspect()).root).toBe(repository.path)
    await safe('')
    expect(await codeOf(inspect())).toBe('REPO_UNWRITABLE')
    await safe('*')
    expect((await inspect()).root).toBe(repository.path)
  })

  it('cannot say itself that it is trusted', async ({ skip }) => {
    skip(!asRoot, 'only root may give files away')
    await using bench = await openWorkbench()
    await bench.repository.git('config', 'safe.directory', '*')
    await chown(gitFolder(bench), OTHER, OTHER)
    expect(await codeOf(bench.workspaces.inspectRepository(bench.repository.path))).toBe('REPO_UNWRITABLE')
  })

  it('is seen behind a `.git` file and a worktree of ours', async ({ skip }) => {
    skip(!asRoot, 'only root may give files away')
    await using bench = await openWorkbench()
    const mine = join(bench.lab.folder, 'mine')
    await bench.repository.git('worktree', 'add', '--quiet', '-b', 'side', mine)
    const inspect = () => bench.workspaces.inspectRepository(mine)
    expect((await inspect()).defaultBranch).toBe('side')
    for (const path of [gitFolder(bench), join(gitFolder(bench), 'worktrees/mine'), bench.repository.path]) {
      await chown(path, OTHER, OTHER)
      expect([path, await codeOf(inspect())]).toEqual([path, 'REPO_UNWRITABLE'])
      await chown(path, 0, 0)
    }
  })

  it('is not looked for above a folder of that user', async ({ skip }) => {
    skip(!asRoot, 'only root may give files away')
    await using bench = await openWorkbench()
    const folder = join(bench.repository.path, 'theirs')
    await mkdir(join(folder, 'mine'), { recursive: true })
    await chown(folder, OTHER, OTHER)
    expect(await codeOf(bench.workspaces.inspectRepository(join(folder, 'mine')))).toBe('REPO_NOT_GIT')
  })
})

describe('the name of a branch', () => {
  it.each(['main~1', 'main^', 'main^{tree}', 'main@{0}', '@', 'HEAD', '-main', 'x-g%h', 'hidden', 'ma\0in', 'main\n'])(
    'is no expression: %j',
    async (name) => {
      await using bench = await openWorkbench()
      const { repository, workspaces } = bench
      await repository.commit({ 'a.txt': 'a' })
      await repository.git('tag', 'refs/heads/hidden')
      const branch = name.replace('%h', await repository.git('rev-parse', '--short', 'HEAD'))
      const place = { repositoryPath: repository.path, branch, limit: 1 }
      expect(await codeOf(workspaces.inspectRepository(repository.path, { branch }))).toBe('REPO_BRANCH_MISSING')
      expect(await codeOf(workspaces.listFiles(place))).toBe('REPO_BRANCH_MISSING')
      expect(await codeOf(bench.prepare({ baseBranch: branch }))).toBe('REPO_BRANCH_MISSING')
      expect(await workspaces.branchTip({ repositoryPath: repository.path, branchName: branch })).toBeUndefined()
    },
  )
})

describe('a sparse checkout', () => {
  it('is one in the worktree of a task too', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ 'in/a.txt': 'a', 'out/b.txt': 'b' })
    await bench.repository.git('sparse-checkout', 'set', 'in')
    const worktree = await bench.worktree()
    expect(existsSync(join(worktree.path, 'in/a.txt'))).toBe(true)
    expect(existsSync(join(worktree.path, 'out'))).toBe(false)
    expect(await worktree.git('config', 'core.sparseCheckout')).toBe('true')
    expect(await worktree.git('status', '--porcelain')).toBe('')
    expect((await bench.diff()).files).toEqual([])
    await worktree.write({ 'in/a.txt': 'changed', 'out/b.txt': 'brought back' })
    expect((await bench.diff()).files.map(({ path, change }) => [path, change])).toEqual([
      ['in/a.txt', 'modified'],
      ['out/b.txt', 'modified'],
    ])
    expect(await bench.repository.git('ls-tree', '-r', '--name-only', await bench.commit())).toContain('out/b.txt')
  })

  it.each(['--skip-worktree', '--assume-unchanged'])('hides no change of a file marked with %s', async (mark) => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.git('update-index', mark, 'README.md')
    await worktree.write({ 'README.md': 'changed' })
    expect((await bench.diff()).files).toMatchObject([{ path: 'README.md', change: 'modified' }])
  })
})
