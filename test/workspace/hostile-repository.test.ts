import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorkspaces } from '../../core/workspace/workspaces.ts'
import { BRANCH, codeOf, openWorkbench, POOL, TASK, type Workbench } from './workbench.ts'

/** Names that the planted programs leave, and a git command that does run each: the proof that it was planted well. */
const PROVOKED: Readonly<Record<string, readonly string[]>> = {
  fsmonitor: ['status'],
  'hook-pre-commit': ['commit', '--allow-empty', '-m', 'x'],
  'hook-prepare-commit-msg': ['commit', '--allow-empty', '-m', 'x'],
  'hook-reference-transaction': ['branch', 'provoked'],
  'hook-post-checkout': ['checkout', '-q', '--detach'],
  'hook-post-index-change': ['update-index', '--force-write-index'],
  'filter-clean': ['add', '--renormalize', '.'],
  'filter-smudge': ['checkout', '-f', '--', 'filtered.txt'],
  'merge-driver': ['merge-tree', '--write-tree', 'main', 'conflicting'],
  'diff-external': ['diff', 'HEAD~1'],
  textconv: ['diff', '--no-ext-diff', 'HEAD~1'],
  gpg: ['commit-tree', '-S', '-m', 'x', 'HEAD^{tree}'],
  'nested-fsmonitor': ['-C', 'nested', 'status'],
  'nested-filter': ['-C', 'nested', 'add', '.'],
}
const HOOKS = [
  'pre-commit',
  'prepare-commit-msg',
  'reference-transaction',
  'post-checkout',
  'post-index-change',
  'post-merge',
  'pre-merge-commit',
  'post-commit',
  'post-rewrite',
  'pre-auto-gc',
]

/** Planted too; a plain git runs them only on a terminal, with a remote, or in commands that are not called here. */
const UNPROVOKED =
  'pager diff-command editor ssh askpass credential trailer alias pack-objects submodule-update alternate-refs ' +
  'sequence-editor diff-filter config-worktree config-hook'

describe('what a repository plants', () => {
  let bench: Workbench
  let trace: (name: string) => string

  /** A program that leaves its name and passes its input on. */
  async function plant(name: string): Promise<string> {
    const program = join(bench.lab.folder, 'planted', name)
    await mkdir(join(bench.lab.folder, 'planted'), { recursive: true })
    await writeFile(
      program,
      `#!/bin/sh\ntouch '${trace(name)}'\ncase $1 in '') cat;; *) cat "$1" 2>/dev/null;; esac\nexit 0\n`,
    )
    await chmod(program, 0o755)
    return program
  }

  async function plantAll(): Promise<void> {
    const { repository } = bench
    const settings: Record<string, string> = {
      'core.fsmonitor': await plant('fsmonitor'),
      'filter.evil.clean': await plant('filter-clean'),
      'filter.evil.smudge': await plant('filter-smudge'),
      'merge.evil.driver': `${await plant('merge-driver')} %A`,
      'diff.external': await plant('diff-external'),
      'diff.evil.textconv': await plant('textconv'),
      'diff.evil.command': await plant('diff-command'),
      'core.pager': await plant('pager'),
      'core.editor': await plant('editor'),
      'core.sshCommand': await plant('ssh'),
      'core.askPass': await plant('askpass'),
      'gpg.program': await plant('gpg'),
      'commit.gpgSign': 'true',
      'log.showSignature': 'true',
      'credential.helper': `!${await plant('credential')}`,
      'trailer.evil.command': await plant('trailer'),
      'alias.status': `!${await plant('alias')}`,
      'uploadpack.packObjectsHook': await plant('pack-objects'),
      'submodule.evil.update': `!${await plant('submodule-update')}`,
      'core.alternateRefsCommand': await plant('alternate-refs'),
      'sequence.editor': await plant('sequence-editor'),
      'interactive.diffFilter': await plant('diff-filter'),
      'merge.default': 'evil',
    }
    for (const [key, value] of Object.entries(settings)) await repository.git('config', key, value)
    const hooks = join(bench.lab.folder, 'hooks')
    await mkdir(hooks)
    await mkdir(join(repository.path, '.git/hooks'), { recursive: true })
    for (const hook of HOOKS) {
      for (const folder of [hooks, join(repository.path, '.git/hooks')]) {
        await writeFile(join(folder, hook), `#!/bin/sh\nexec '${await plant(`hook-${hook}`)}' /dev/null\n`)
        await chmod(join(folder, hook), 0o755)
      }
    }
    await repository.git('config', 'core.hooksPath', hooks)
    // Hooks in the configuration itself, which git knows since 2.54.
    await repository.git('config', 'hook.evil.command', await plant('config-hook'))
    for (const hook of HOOKS) await repository.git('config', '--add', 'hook.evil.event', hook)
  }

  async function nest(path: string): Promise<void> {
    await mkdir(path, { recursive: true })
    const nested = bench.lab.at(path)
    await nested.git('init', '--quiet')
    await nested.commit({ '.gitattributes': '* filter=inner\n', 'inner.txt': 'inner\n' })
    await nested.git('config', 'core.fsmonitor', await plant('nested-fsmonitor'))
    await nested.git('config', 'filter.inner.clean', await plant('nested-filter'))
    await nested.write({ 'inner.txt': 'changed\n' })
  }

  beforeAll(async () => {
    bench = await openWorkbench({ pool: POOL })
    trace = (name) => join(bench.lab.folder, `trace-${name}`)
    const { repository, workspaces } = bench
    const attributes = 'filtered.txt filter=evil diff=evil\nmerged.txt merge=evil\n'
    await repository.commit({ '.gitattributes': attributes, 'filtered.txt': 'one\n', 'merged.txt': '1\n2\n3\n' })
    await plantAll()
    await workspaces.inspectRepository(repository.path)
    await bench.ready()
    const worktree = await bench.worktree()
    await bench.prepare({ taskId: 'other', branchName: 'other' })
    // The agent works, and plants where it can: in its folder, its git directory, its `.git` file.
    const gitDir = join(repository.path, '.git/worktrees/project')
    await worktree.write({ 'work.txt': 'work\n', 'merged.txt': '1\n2\ntask\n' })
    await nest(join(worktree.path, 'nested'))
    await nest(join(worktree.path, 'module'))
    await writeFile(join(gitDir, 'config.worktree'), `[core]\n\tfsmonitor = ${await plant('config-worktree')}\n`)
    await repository.git('config', 'extensions.worktreeConfig', 'true')
    await rm(trace('hook-reference-transaction'), { force: true })
    await writeFile(join(worktree.path, '.git'), `gitdir: ${join(worktree.path, 'nested/.git')}\n`)
    const place = { repositoryPath: repository.path, worktreePath: worktree.path, branchName: BRANCH }
    await workspaces.diffWorkspace({ ...place, baseCommit: worktree.baseCommit })
    const trailers = { taskId: TASK, agent: 'command' }
    await workspaces.commitWorkspace({ ...place, message: 'Work', trailers })
    await repository.write({ 'merged.txt': 'base\n2\n3\n' })
    await unhooked('commit', '--quiet', '--no-gpg-sign', '--message', 'Moved', 'merged.txt')
    await bench.merge('merge')
    await workspaces.listFiles({ repositoryPath: repository.path, branch: 'main', query: 'work', limit: 5 })
    const file = { repositoryPath: repository.path, path: 'filtered.txt', maxBytes: 1000 }
    await workspaces.readFile({ ...file, from: { commit: 'main' } })
    await workspaces.readFile({ ...file, from: { worktreePath: worktree.path } })
    await workspaces.reconcileWorkspaces({ known: [{ ...place, taskId: TASK }] })
    await writeFile(join(worktree.path, 'late.txt'), 'late\n')
    await workspaces.removeWorkspace({ ...place, taskId: TASK, saveRef: 'refs/troupe/saved/s', deleteBranch: true })
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  /** For the steps of the test itself, which must leave no trace. */
  function unhooked(...args: string[]): Promise<string> {
    const settings = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'filter.evil.clean=', 'filter.evil.smudge=']
    return bench.repository.git(...settings.flatMap((setting) => ['-c', setting]), ...args)
  }

  it('did not keep the task from its end', async () => {
    expect(await readFile(join(bench.repository.path, 'work.txt'), 'utf8')).toBe('work\n')
    expect(await readFile(join(bench.repository.path, 'nested/inner.txt'), 'utf8')).toBe('changed\n')
    expect(
      await unhooked('show', '--no-show-signature', '--no-ext-diff', '--name-only', '--format=', 'refs/troupe/saved/s'),
    ).toContain('late.txt')
  })

  it.each([
    ...Object.keys(PROVOKED),
    ...HOOKS.map((hook) => `hook-${hook}`).filter((name) => !(name in PROVOKED)),
    ...UNPROVOKED.split(' '),
  ])('never runs: %s', (name) => {
    expect(existsSync(join(bench.lab.folder, 'planted', name))).toBe(true)
    expect(existsSync(trace(name))).toBe(false)
  })

  it('would have run under a plain git', async () => {
    const { repository } = bench
    await unhooked('checkout', '-q', '-b', 'conflicting', 'HEAD~1')
    await repository.write({ 'merged.txt': '1\n2\nother\n', 'filtered.txt': 'two\n' })
    await unhooked('commit', '-q', '--no-gpg-sign', '-am', 'x')
    await unhooked('checkout', '-q', 'main')
    for (const [name, command] of Object.entries(PROVOKED)) {
      await rm(trace(name), { force: true })
      if (name === 'filter-clean' || name === 'filter-smudge') await repository.write({ 'filtered.txt': `${name}\n` })
      if (name === 'nested-fsmonitor') await nest(join(repository.path, 'nested'))
      await repository.git(...command).catch(() => {})
      expect([name, existsSync(trace(name))]).toEqual([name, true])
    }
  })
})

describe('filters', () => {
  it('of the user are applied', async () => {
    await using bench = await openWorkbench()
    const home = bench.lab.env['HOME'] ?? ''
    await bench.repository.commit({ '.gitattributes': 'secret.txt filter=upper\n', 'secret.txt': 'STORED\n' })
    const config = await readFile(join(home, '.gitconfig'), 'utf8')
    await writeFile(
      join(home, '.gitconfig'),
      `${config}[filter "upper"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n`,
    )
    const worktree = await bench.worktree()
    expect(await readFile(join(worktree.path, 'secret.txt'), 'utf8')).toBe('stored\n')
    await worktree.write({ 'secret.txt': 'changed\n' })
    const commit = await bench.commit()
    expect(await bench.repository.git('cat-file', 'blob', `${commit}:secret.txt`)).toBe('CHANGED')
  })

  it('of the repository alone are not, and its files are not committed in the wrong form', async () => {
    await using bench = await openWorkbench()
    await bench.repository.commit({ '.gitattributes': 'secret.txt filter=upper\n', 'secret.txt': 'STORED\n' })
    await bench.repository.git('config', 'filter.upper.clean', 'tr a-z A-Z')
    const worktree = await bench.worktree()
    await worktree.write({ 'other.txt': 'fine' })
    await bench.commit()
    await worktree.write({ 'secret.txt': 'plain\n' })
    await expect(bench.commit()).rejects.toThrow(/secret\.txt: their filter is set up in the repository's own/)
    await worktree.commit({})
    expect(await codeOf(bench.merge())).toBe('MERGE_BLOCKED')
  })
})

describe('the environment of the host', () => {
  it('does not lead git elsewhere', async () => {
    await using bench = await openWorkbench()
    const poisoned = {
      GIT_DIR: '/nowhere',
      GIT_INDEX_FILE: '/nowhere',
      GIT_EXTERNAL_DIFF: '/bin/false',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.bare',
      GIT_CONFIG_VALUE_0: 'true',
    }
    const workspaces = await openWorkspaces({ dataDir: bench.lab.dataDir, env: { ...bench.lab.env, ...poisoned } })
    expect((await workspaces.inspectRepository(bench.repository.path)).defaultBranch).toBe('main')
  })
})
