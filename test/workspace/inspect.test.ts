import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWorkspaces } from '../../core/workspace/workspaces.ts'
import { codeOf, openWorkbench } from './workbench.ts'

describe('inspecting a repository', () => {
  it('tells root, name, branch, commit and remote without credentials', async () => {
    await using bench = await openWorkbench()
    const { repository, workspaces } = bench
    await repository.git('remote', 'add', 'origin', 'https://me:token@github.com/me/project.git?key=1')
    await mkdir(join(repository.path, 'deep/er'), { recursive: true })
    expect(await workspaces.inspectRepository(join(repository.path, 'deep/er'))).toEqual({
      root: repository.path,
      name: 'project',
      defaultBranch: 'main',
      headCommit: await repository.git('rev-parse', 'HEAD'),
      remoteUrl: 'https://github.com/me/project.git',
      vcsProvider: 'github',
    })
  })

  it.each([
    ['git@gitlab.example.com:group/project.git', 'git@gitlab.example.com:group/project.git', 'gitlab'],
    ['ssh://git:secret@bitbucket.org/x.git', 'ssh://git@bitbucket.org/x.git', 'bitbucket'],
    ['/srv/github/project.git', '/srv/github/project.git', 'none'],
    ['https://notgithub.example/x', 'https://notgithub.example/x', 'none'],
  ])('reads the remote %s', async (url, shown, vcsProvider) => {
    await using bench = await openWorkbench()
    await bench.repository.git('config', 'remote.other.url', url)
    expect(await bench.workspaces.inspectRepository(bench.repository.path)).toMatchObject({
      remoteUrl: shown,
      vcsProvider,
    })
  })

  it.each(['with  spaces', 'new\nline', 'Grüße 日本 🚀', '-dash', 'quo"te\'s', 'co:lon'])(
    'does a whole task in a folder named %j',
    async (name) => {
      await using bench = await openWorkbench({ name })
      expect((await bench.workspaces.inspectRepository(bench.repository.path)).root).toBe(bench.repository.path)
      const worktree = await bench.worktree()
      await worktree.write({ [name]: 'work' })
      expect((await bench.diff()).files.map(({ path }) => path)).toEqual([name])
      const commit = await bench.commit()
      expect(await worktree.git('status', '--porcelain')).toBe('')
      const merged = await bench.merge('fast_forward')
      expect(merged.commit).toBe(commit)
      await bench.remove()
    },
  )

  it('takes the main repository for a path in a linked worktree, with the branch of that worktree', async () => {
    await using bench = await openWorkbench()
    const linked = join(bench.lab.folder, 'linked')
    await bench.repository.git('worktree', 'add', '--quiet', '-b', 'side', linked)
    expect(await bench.workspaces.inspectRepository(linked)).toMatchObject({
      root: bench.repository.path,
      defaultBranch: 'side',
    })
  })

  it('takes a linked worktree of a bare repository for its root, and works there', async () => {
    await using bench = await openWorkbench()
    const linked = join(bench.lab.folder, 'linked')
    await bench.repository.git('clone', '--quiet', '--bare', bench.repository.path, join(bench.lab.folder, 'bare'))
    await bench.lab.at(join(bench.lab.folder, 'bare')).git('worktree', 'add', '--quiet', linked, 'main')
    expect(await bench.workspaces.inspectRepository(linked)).toMatchObject({ root: linked, defaultBranch: 'main' })
    expect((await bench.prepare({ repositoryPath: linked })).created).toBe(true)
  })

  it('is not disturbed by a worktree that is just being made for another task', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('worktree', 'add', '--detach', join(bench.repository.path, '..', 'half'))
    // What git leaves there until the files are checked out.
    await writeFile(join(bench.repository.path, '.git/worktrees/half/HEAD'), `${'0'.repeat(40)}\n`)
    expect((await bench.workspaces.inspectRepository(bench.repository.path)).defaultBranch).toBe('main')
  })

  it('accepts a dirty base', async () => {
    await using bench = await openWorkbench()
    await bench.repository.write({ 'README.md': 'edited', untracked: 'x' })
    expect((await bench.workspaces.inspectRepository(bench.repository.path)).defaultBranch).toBe('main')
    expect((await bench.diff()).files).toEqual([])
  })

  it('works with a repository of SHA-256 objects', async () => {
    await using bench = await openWorkbench({ args: ['--object-format=sha256'] })
    const worktree = await bench.worktree()
    expect(worktree.baseCommit).toHaveLength(64)
    await worktree.write({ 'a.txt': 'a' })
    expect((await bench.diff()).files).toHaveLength(1)
    await bench.commit()
    const { commit } = await bench.merge()
    const place = { repositoryPath: bench.repository.path, branch: 'main', limit: 10 }
    for (const query of ['', 'a.txt']) {
      expect((await bench.workspaces.listFiles({ ...place, query })).files).toContain('a.txt')
    }
    const file = { repositoryPath: bench.repository.path, path: 'a.txt', maxBytes: 10, from: { commit } }
    expect(String(await bench.workspaces.readFile(file))).toBe('a')
  })
})

describe('a repository that claims another folder', () => {
  it('gets nothing written there', async () => {
    await using bench = await openWorkbench()
    const home = join(bench.lab.folder, 'home')
    await bench.repository.git('config', 'core.worktree', home)
    expect((await bench.workspaces.inspectRepository(bench.repository.path)).root).toBe(bench.repository.path)
    const worktree = await bench.worktree()
    await worktree.write({ 'planted.txt': 'x' })
    await bench.commit()
    await bench.merge()
    expect(existsSync(join(home, 'planted.txt'))).toBe(false)
    expect(existsSync(join(bench.repository.path, 'planted.txt'))).toBe(true)
  })
})

describe('a repository that cannot be used', () => {
  it.each(['inspect', 'prepare'] as const)('is named by its error on %s', async (operation) => {
    await using bench = await openWorkbench()
    const { lab, workspaces } = bench
    const look = (path: string) =>
      codeOf(operation === 'inspect' ? workspaces.inspectRepository(path) : bench.prepare({ repositoryPath: path }))
    await mkdir(join(lab.folder, 'plain'))
    await writeFile(join(lab.folder, 'file'), '')
    await bench.repository.git('clone', '--quiet', '--bare', '.', join(lab.folder, 'bare.git'))
    expect(await look(join(lab.folder, 'missing'))).toBe('REPO_NOT_FOUND')
    expect(await look(join(lab.folder, 'plain'))).toBe('REPO_NOT_GIT')
    expect(await look(join(lab.folder, 'file'))).toBe('REPO_NOT_GIT')
    expect(await look(join(lab.folder, 'bare.git'))).toBe('REPO_BARE')
  })

  it('may be empty, without a branch, or without the branch that was named', async () => {
    await using bench = await openWorkbench()
    const { repository, lab, workspaces } = bench
    const empty = await lab.repository('empty', { empty: true })
    expect(await codeOf(workspaces.inspectRepository(empty.path))).toBe('REPO_EMPTY')
    const missing = workspaces.inspectRepository(repository.path, { branch: 'nowhere' })
    expect(await codeOf(missing)).toBe('REPO_BRANCH_MISSING')
    await repository.git('checkout', '--quiet', '--detach')
    expect(await codeOf(workspaces.inspectRepository(repository.path))).toBe('REPO_DETACHED')
    const named = await workspaces.inspectRepository(repository.path, { branch: 'main' })
    expect(named.defaultBranch).toBe('main')
  })

  it('may be on a branch that has no commit yet', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('checkout', '--quiet', '--orphan', 'fresh')
    expect(await codeOf(bench.workspaces.inspectRepository(bench.repository.path))).toBe('REPO_BRANCH_MISSING')
  })

  it('may be impossible to write', async () => {
    await using bench = await openWorkbench()
    const { repository, workspaces } = bench
    await writeFile(join(repository.path, '.git/worktrees'), 'in the way')
    expect(await codeOf(workspaces.inspectRepository(repository.path))).toBe('REPO_UNWRITABLE')
  })

  it.skipIf(process.getuid?.() === 0)('may be read-only (skipped as root, whom modes do not bind)', async () => {
    await using bench = await openWorkbench()
    const refs = join(bench.repository.path, '.git/refs')
    await chmod(refs, 0o500)
    expect(await codeOf(bench.workspaces.inspectRepository(bench.repository.path))).toBe('REPO_UNWRITABLE')
    await chmod(refs, 0o700)
  })

  it('may be deleted from disk meanwhile', async () => {
    await using bench = await openWorkbench()
    const { path } = await bench.prepare()
    await rm(bench.repository.path, { recursive: true })
    const place = { repositoryPath: bench.repository.path, worktreePath: path, branchName: 'x', baseCommit: 'HEAD' }
    expect(await codeOf(bench.workspaces.diffWorkspace(place))).toBe('REPO_NOT_FOUND')
    expect(await codeOf(bench.remove({ worktreePath: path }))).toBe('REPO_NOT_FOUND')
  })

  it('says so when there is no git program', async () => {
    await using bench = await openWorkbench()
    const blind = await openWorkspaces({ dataDir: bench.lab.dataDir, env: { ...bench.lab.env, PATH: '/nowhere' } })
    expect(await codeOf(blind.inspectRepository(bench.repository.path))).toBe('GIT_NOT_INSTALLED')
  })
})
