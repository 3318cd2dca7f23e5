import { readdirSync } from 'node:fs'
import { chmod, mkdir, rename, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BRANCH, openWorkbench, type Workbench } from './workbench.ts'

const lines = (bytes: number): string => `${'x'.repeat(99)}\n`.repeat(bytes / 100)

const changes = async (bench: Workbench): Promise<string[]> =>
  (await bench.diff()).files.map(({ change, path }) => `${change} ${path}`)

describe('the diff of a task', () => {
  it('holds committed, staged, unstaged and untracked work, but not what is ignored', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.commit({ 'committed.txt': 'one\n', '.gitignore': 'ignored\n' })
    await worktree.write({ 'staged.txt': 'two\n' })
    await worktree.git('add', 'staged.txt')
    await worktree.write({ 'README.md': 'A project.\nMore.\n', 'untracked.txt': 'three\n', ignored: 'x' })
    const before = await worktree.git('status', '--porcelain')
    const diff = await bench.diff()
    expect(diff).toMatchObject({ baseCommit: worktree.baseCommit, additions: 5, deletions: 0 })
    expect(diff.files).toContainEqual({
      path: 'README.md',
      change: 'modified',
      binary: false,
      submodule: false,
      oldMode: '100644',
      newMode: '100644',
      additions: 1,
      deletions: 0,
      patch: '@@ -1 +1,2 @@\n A project.\n+More.\n',
    })
    expect(await changes(bench)).toEqual([
      'added .gitignore',
      'modified README.md',
      'added committed.txt',
      'added staged.txt',
      'added untracked.txt',
    ])
    expect(await worktree.git('status', '--porcelain')).toBe(before)
  })

  it('writes nothing into the repository and leaves no temporary file', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'big.txt': 'unseen before' })
    const objects = () => bench.repository.git('count-objects', '-v')
    const before = await objects()
    expect(await changes(bench)).toEqual(['added big.txt'])
    expect(await objects()).toBe(before)
    expect(readdirSync(join(bench.lab.dataDir, 'tmp'))).toEqual([])
  })

  it('shows binary, renamed, deleted, mode and type changes', async () => {
    await using bench = await openWorkbench()
    const long = Array.from({ length: 20 }, (_, line) => `line ${line}\n`).join('')
    await bench.repository.commit({
      'old name.txt': long,
      gone: 'gone\n',
      'tool.sh': 'x\n',
      link: 'file\n',
      bin: Uint8Array.of(0, 1),
    })
    const worktree = await bench.worktree()
    const at = (name: string) => join(worktree.path, name)
    await rename(at('old name.txt'), at('new name.txt'))
    await rm(at('gone'))
    await chmod(at('tool.sh'), 0o755)
    await rm(at('link'))
    await symlink('/etc/passwd', at('link'))
    await worktree.write({ bin: Uint8Array.of(0, 2, 3) })
    const { files } = await bench.diff()
    expect(files).toMatchObject([
      { path: 'bin', change: 'modified', binary: true, additions: 0 },
      { path: 'gone', change: 'deleted', oldMode: '100644', deletions: 1 },
      {
        path: 'link',
        change: 'type_changed',
        oldMode: '100644',
        newMode: '120000',
        patch: '@@ -1 +0,0 @@\n-file\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n',
      },
      { path: 'new name.txt', oldPath: 'old name.txt', change: 'renamed', additions: 0 },
      { path: 'tool.sh', change: 'modified', oldMode: '100644', newMode: '100755' },
    ])
    expect(files[0]).not.toHaveProperty('patch')
    expect(files[1]).not.toHaveProperty('newMode')
    expect(files[3]).not.toHaveProperty('patch')
  })

  it('takes names as they are', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const names = [
      ' lead',
      '"quoted"',
      '-f',
      ':(top)x',
      'a\tb',
      'diff --git a/x b/x',
      'e\u0301',
      'new\nline',
      'ü 🚀',
    ].toSorted()
    await worktree.write(Object.fromEntries(names.map((name) => [name, '@@ -1 +1 @@\ndiff --git a/x b/x\n'])))
    const { files } = await bench.diff()
    expect(files.map(({ path }) => path).toSorted()).toEqual(names)
    expect(files.every(({ patch }) => patch === '@@ -0,0 +1,2 @@\n+@@ -1 +1 @@\n+diff --git a/x b/x\n')).toBe(true)
  })

  it('follows a file that became a folder, and a folder that became a file', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ thing: 'file\n', 'folder/inner': 'inner\n' })
    const worktree = await bench.worktree()
    await rm(join(worktree.path, 'thing'))
    await rm(join(worktree.path, 'folder'), { recursive: true })
    await worktree.write({ 'thing/inside': 'new\n', folder: 'now a file\n' })
    expect(await changes(bench)).toEqual([
      'added folder',
      'deleted folder/inner',
      'deleted thing',
      'added thing/inside',
    ])
  })

  it('shows a submodule by its commit', async () => {
    await using bench = await openWorkbench()
    const library = await bench.lab.repository('library')
    const worktree = await bench.worktree()
    await worktree.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.path, 'library')
    const { files } = await bench.diff()
    const added = files.find(({ path }) => path === 'library')
    const commit = await library.git('rev-parse', 'HEAD')
    expect(added).toMatchObject({
      change: 'added',
      submodule: true,
      newMode: '160000',
      patch: `@@ -0,0 +1 @@\n+Subproject commit ${commit}\n`,
    })
  })

  it('takes the files of a repository that the agent made inside', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    for (const name of ['nested', 'nested/deeper', 'unborn']) {
      await mkdir(join(worktree.path, name), { recursive: true })
      const nested = bench.lab.at(join(worktree.path, name))
      await nested.git('init', '--quiet')
      await nested.write({ 'file.txt': 'x\n', '.gitignore': 'skip\n', skip: '' })
      if (name === 'nested') await nested.git('add', '.')
      if (name === 'nested') await nested.git('commit', '--quiet', '-m', 'Nested')
    }
    expect(await changes(bench)).toEqual([
      'added nested/.gitignore',
      'added nested/deeper/.gitignore',
      'added nested/deeper/file.txt',
      'added nested/file.txt',
      'added unborn/.gitignore',
      'added unborn/file.txt',
    ])
  })

  it('cuts what is too large and keeps the counts', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const fitting = Array.from({ length: 20 }, (_, number) => [`b${number + 10}.txt`, lines(500_000)])
    await worktree.write({
      'a-large.txt': lines(600_000),
      'a-line.txt': 'y'.repeat(2_000_000),
      ...Object.fromEntries(fitting),
      'c.txt': 'small\n',
    })
    const { files, additions } = await bench.diff()
    expect(files.find(({ path }) => path === 'a-large.txt')).toMatchObject({ tooLarge: true, additions: 6000 })
    expect(files.find(({ path }) => path === 'a-line.txt')).toMatchObject({ tooLarge: true, additions: 1 })
    expect(files.filter(({ patch }) => patch === undefined).length).toBeGreaterThan(4)
    expect(JSON.stringify(files).length).toBeLessThan(9 * 1024 * 1024)
    expect(files.at(-1)).toMatchObject({ path: 'c.txt', patch: '@@ -0,0 +1 @@\n+small\n' })
    expect(additions).toBe(6000 + 1 + 20 * 5000 + 1)
  })

  it('is empty for a task that did nothing', async () => {
    await using bench = await openWorkbench()
    await bench.worktree()
    expect((await bench.diff()).files).toEqual([])
  })

  it('compares the branch when the worktree is gone', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.commit({ 'a.txt': 'a' })
    await bench.remove()
    const place = { repositoryPath: bench.repository.path, branchName: BRANCH, baseCommit: worktree.baseCommit }
    for (const worktreePath of [undefined, worktree.path]) {
      const { files } = await bench.workspaces.diffWorkspace({ ...place, worktreePath })
      expect(files.map(({ path }) => path)).toEqual(['a.txt'])
    }
  })

  it('says that the worktree is gone, and not that there is no work, when the branch has none', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    expect(await changes(bench)).toEqual(['added a.txt'])
    await rm(worktree.path, { recursive: true })
    await expect(bench.diff()).rejects.toMatchObject({
      code: 'WORKTREE_MISSING',
      message: expect.stringMatching(/not committed .* retry the task/),
    })
  })

  it('says where the files are when git has forgotten the worktree', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'a.txt': 'a' })
    await rename(worktree.path, `${worktree.path}.away`)
    await bench.repository.git('worktree', 'prune')
    await rename(`${worktree.path}.away`, worktree.path)
    await expect(bench.diff()).rejects.toMatchObject({
      code: 'WORKTREE_MISSING',
      message: expect.stringContaining('Its files are still there'),
    })
  })

  it('shows the branch when the agent left the folder at an older commit', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.commit({ 'a.txt': 'a' })
    await worktree.git('checkout', '--quiet', '--detach', 'HEAD~1')
    expect(await changes(bench)).toEqual(['added a.txt'])
  })

  it('sees a change of the same size in the second in which the index was written', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('config', 'core.trustctime', 'false')
    const worktree = await bench.worktree()
    const file = join(worktree.path, 'README.md')
    const index = join(await worktree.git('rev-parse', '--absolute-git-dir'), 'index')
    const second = Math.floor(Date.now() / 1000) - 100
    await utimes(file, second, second)
    await worktree.git('update-index', '--refresh')
    await worktree.write({ 'README.md': 'B project.\n' })
    await utimes(file, second, second)
    await utimes(index, second, second)
    expect(await changes(bench)).toEqual(['modified README.md'])
  })

  it('is not fooled by attributes of the branch', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ '.gitattributes': '* -diff\n', 'hidden.txt': 'hidden\n' })
    expect((await bench.diff()).files.at(-1)).toMatchObject({ binary: false, patch: '@@ -0,0 +1 @@\n+hidden\n' })
  })
})
