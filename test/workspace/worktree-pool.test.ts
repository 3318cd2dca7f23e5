import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { BRANCH, codeOf, openWorkbench, POOL, TASK, type Workbench } from './workbench.ts'

const README = 'README.md'
/** Numbers of deleted files are used again. */
function identity(folder: string, file = README): string {
  const { ino, birthtimeNs } = statSync(join(folder, file), { bigint: true })
  return `${ino} of ${birthtimeNs}`
}
const second = (path: string): number => Math.floor(statSync(path).mtimeMs / 1000)

/** On its branch, with the files of the base, and nothing else. */
async function expectFresh(bench: Workbench, path: string, branch = BRANCH): Promise<void> {
  const worktree = bench.lab.at(path)
  expect(await worktree.git('status', '--porcelain', '--branch', '--ignored')).toBe(`## ${branch}`)
  expect(await worktree.git('diff', '--stat', 'main')).toBe('')
  expect(await worktree.git('ls-files')).toBe(await bench.repository.git('ls-tree', '-r', '--name-only', 'main'))
}

describe.concurrent('a prepared worktree', () => {
  it('becomes that of the next task, and another is prepared', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.repository.write({ '.env': 'KEY=1' })
    const files = await bench.ready()
    const wanted = identity(files)
    const prepared = await bench.prepare({ setup: { copy: ['.env'], run: 'echo set up > log' } })
    expect(prepared).toEqual({
      path: join(bench.lab.dataDir, 'worktrees', TASK, 'project'),
      branchName: BRANCH,
      baseCommit: await bench.repository.git('rev-parse', 'main'),
      created: true,
      notices: [],
    })
    expect(identity(prepared.path)).toBe(wanted)
    expect(await bench.lab.at(prepared.path).git('status', '--porcelain')).toBe('?? .env\n?? log')
    // git trusts the times of files that are older than its index.
    const gitDir = await bench.lab.at(prepared.path).git('rev-parse', '--absolute-git-dir')
    expect(second(join(gitDir, 'index'))).toBeGreaterThan(second(join(prepared.path, README)))
    await vi.waitUntil(() => bench.prepared().length === 1, { timeout: 60_000 })
    const next = bench.prepared()[0] ?? ''
    const nextOne = identity(next)
    expect(identity((await bench.prepare({ taskId: 'next', branchName: 'next' })).path)).toBe(nextOne)
    expect(readdirSync(join(bench.lab.dataDir, 'tmp')).filter((name) => name.startsWith('claimed-'))).toEqual([])
  })

  it('is brought to the commit that the base has by now, and only what changed is written', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.repository.commit({ 'stays.txt': 'stays', 'goes.txt': 'goes', 'changes.txt': 'old' })
    const files = await bench.ready()
    const [stays, changes] = [identity(files, 'stays.txt'), identity(files, 'changes.txt')]
    await bench.repository.git('rm', '--quiet', 'goes.txt')
    const baseCommit = await bench.repository.commit({ 'changes.txt': 'new', 'comes/deep.txt': 'comes' })
    const prepared = await bench.prepare()
    expect(prepared.baseCommit).toBe(baseCommit)
    await expectFresh(bench, prepared.path)
    expect(identity(prepared.path, 'stays.txt')).toBe(stays)
    expect(identity(prepared.path, 'changes.txt')).not.toBe(changes)
  })

  it('serves a branch that is there already, with its commits', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    const worktree = await bench.worktree()
    await worktree.commit({ 'done.txt': 'done' })
    const files = await bench.ready()
    const wanted = identity(files)
    await rm(worktree.path, { recursive: true })
    const again = await bench.prepare()
    expect(again).toMatchObject({ created: true, baseCommit: worktree.baseCommit })
    expect(identity(again.path)).toBe(wanted)
    expect(await bench.lab.at(again.path).git('status', '--porcelain')).toBe('')
    expect(await readFile(join(again.path, 'done.txt'), 'utf8')).toBe('done')
  })

  it('stays for the next task when this one cannot have its branch', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    const wanted = identity(await bench.ready())
    await bench.repository.commit({ 'a.txt': 'a' })
    await bench.repository.git('branch', 'troupe')
    expect(await codeOf(bench.prepare())).toBe('REPO_BRANCH_EXISTS')
    expect(bench.prepared()).toHaveLength(1)
    const { path, branchName } = await bench.prepare({ branchName: 'other' })
    expect(identity(path)).toBe(wanted)
    await expectFresh(bench, path, branchName)
  })

  it('goes to one of many tasks that begin at once', async () => {
    await using bench = await openWorkbench({ pool: { ...POOL, delayMs: 60_000 } })
    await using other = await bench.reopen(POOL)
    other.keepReady({ repositoryPath: bench.repository.path, baseBranch: 'main' })
    await vi.waitUntil(() => bench.prepared().length === 1, { timeout: 60_000 })
    const wanted = identity(bench.prepared()[0] ?? '')
    const names = Array.from({ length: 6 }, (_, number) => `task-${number}`)
    const all = await Promise.all(names.map((taskId) => bench.prepare({ taskId, branchName: taskId })))
    expect(all.filter(({ path }) => identity(path) === wanted)).toHaveLength(1)
    for (const { path, branchName } of all) await expectFresh(bench, path, branchName)
  })

  it('is nothing that git or the comparison at start knows of', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.ready()
    expect((await bench.repository.git('worktree', 'list')).split('\n')).toHaveLength(1)
    expect(existsSync(join(bench.repository.path, '.git/worktrees'))).toBe(false)
    const found = await bench.workspaces.reconcileWorkspaces({ known: [] })
    expect(found).toEqual({ missing: [], unknown: [], mended: [], unreachable: [] })
    await bench.reopen()
    expect(bench.prepared()).toHaveLength(1)
  })

  it('leaves out what the sparse checkout of the repository leaves out', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.repository.commit({ 'in/a.txt': 'a', 'out/b.txt': 'b' })
    await bench.repository.git('sparse-checkout', 'set', 'in')
    const wanted = identity(await bench.ready())
    const { path } = await bench.prepare()
    expect(identity(path)).toBe(wanted)
    expect([existsSync(join(path, 'in/a.txt')), existsSync(join(path, 'out'))]).toEqual([true, false])
    expect(await bench.lab.at(path).git('status', '--porcelain')).toBe('')
    expect((await bench.diff()).files).toEqual([])
  })
})

describe.concurrent('prepared files that are not as they were made are not handed out:', () => {
  /** Same size, same time: only the time of its last change of any kind tells. */
  async function rewrite(file: string): Promise<void> {
    const { atime, mtime, size } = statSync(file)
    await writeFile(file, 'x'.repeat(size))
    await utimes(file, atime, mtime)
  }

  const TAMPERED: Record<string, (files: string, bench: Workbench) => Promise<unknown>> = {
    'a file with other content': (files) => rewrite(join(files, README)),
    'the same, when the repository tells git not to look so closely': async (files, bench) => {
      await rewrite(join(files, README))
      await bench.repository.git('config', 'core.trustctime', 'false')
    },
    'a file that is gone': (files) => rm(join(files, README)),
    'a file with another mode': (files) => chmod(join(files, README), 0o755),
    'a file more': (files) => writeFile(join(files, 'planted.txt'), ''),
    'an ignored file more': (files) => writeFile(join(files, 'planted.log'), ''),
    'something in the folder of a submodule': (files) => writeFile(join(files, 'module/planted'), ''),
    'no folder at all': (files) => rm(files, { recursive: true }),
    'an index that is no index': (files) => writeFile(join(files, '../git/index'), 'x'),
    'a pipe for an index': async (files) => {
      await rm(join(files, '../git/index'))
      execFileSync('mkfifo', [join(files, '../git/index')])
    },
    'a note that says nothing': (files) => writeFile(join(files, '../about.json'), '{}'),
    'a base with other attributes': (_, bench) => bench.repository.commit({ 'deep/.gitattributes': '* text\n' }),
    'another sparse checkout': (_, bench) => bench.repository.git('sparse-checkout', 'set', '--no-cone', '/*'),
    'other line ends of the user': (_, bench) =>
      appendFile(join(bench.lab.env['HOME'] ?? '', '.gitconfig'), '[core]\n\teol = crlf\n'),
    'other attributes of the user': async (_, bench) => {
      const folder = join(bench.lab.env['HOME'] ?? '', '.config/git')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'attributes'), '*.md eol=crlf\n')
    },
  }

  it.each(Object.keys(TAMPERED))('%s', async (name) => {
    await using bench = await openWorkbench({ pool: POOL })
    const head = await bench.repository.git('rev-parse', 'HEAD')
    await bench.repository.git('update-index', '--add', '--cacheinfo', `160000,${head},module`)
    await mkdir(join(bench.repository.path, 'module'))
    await bench.repository.write({ '.gitignore': '*.log\n' })
    await bench.repository.git('add', '.gitignore')
    await bench.repository.git('commit', '--quiet', '--message', 'Submodule')
    const files = await bench.ready()
    const tampered = identity(files)
    await TAMPERED[name]?.(files, bench)
    const { path, created } = await bench.prepare()
    expect(created).toBe(true)
    expect(identity(path)).not.toBe(tampered)
    await expectFresh(bench, path)
  })
})

describe.concurrent('a host that is killed while a task takes prepared files', () => {
  const DIE = join(import.meta.dirname, 'prepare-and-die.ts')

  it.each([
    'workspace.branch-made',
    'workspace.worktree-added',
    'workspace.files-claimed',
    'workspace.files-written',
    'workspace.setup-run',
  ])('at %s leaves nothing half done', async (point) => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.repository.commit({ 'a/b.txt': 'b' })
    await bench.ready()
    await bench.workspaces[Symbol.asyncDispose]()
    const args = [DIE, point, bench.lab.dataDir, bench.repository.path, TASK, BRANCH]
    const signal = await new Promise((resolve) => {
      execFile(process.execPath, args, { env: bench.lab.env }, (error) => resolve(error?.signal))
    })
    expect(signal).toBe('SIGKILL')
    const workspaces = await bench.reopen({ ...POOL, delayMs: 60_000 })
    expect(readdirSync(join(bench.lab.dataDir, 'tmp'))).toEqual([])
    const request = { taskId: TASK, repositoryPath: bench.repository.path, baseBranch: 'main', branchName: BRANCH }
    const { path, notices } = await workspaces.prepareWorkspace({ ...request, setup: { copy: [] }, env: {} })
    expect(notices).toEqual([])
    await expectFresh(bench, path)
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['.project.prepared', 'project'])
    expect((await bench.repository.git('worktree', 'list', '--porcelain')).match(/^worktree /gm)).toHaveLength(2)
  })
})

describe.concurrent('the pool', () => {
  it('is not filled where the user wants none, and what is there goes', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.ready()
    await using none = await bench.reopen({ ...POOL, size: () => 0 })
    expect(bench.prepared()).toEqual([])
    none.keepReady({ repositoryPath: bench.repository.path, baseBranch: 'main' })
    await none[Symbol.asyncDispose]()
    expect(bench.prepared()).toEqual([])
  })

  it('holds nothing of small repositories, and not more than is wanted of others', async () => {
    await using bench = await openWorkbench({ pool: { ...POOL, size: () => 2 } })
    const { repository } = bench
    const small = await bench.reopen({ ...POOL, minFiles: 2 })
    small.keepReady({ repositoryPath: repository.path, baseBranch: 'main' })
    await small[Symbol.asyncDispose]()
    expect(readdirSync(bench.lab.dataDir)).not.toContain('prepared')
    await bench.ready()
    bench.workspaces.keepReady({ repositoryPath: repository.path, baseBranch: 'main' })
    await bench.workspaces[Symbol.asyncDispose]()
    expect(bench.prepared()).toHaveLength(2)
  })

  it('keeps what the last few repositories need', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    const pools = join(bench.lab.dataDir, 'prepared')
    for (const name of ['1', '2', '3', '4', '5']) {
      await mkdir(join(pools, name), { recursive: true })
      await utimes(join(pools, name), Number(name), Number(name))
    }
    await bench.ready()
    await bench.workspaces[Symbol.asyncDispose]()
    expect(
      readdirSync(pools)
        .filter((name) => name.length === 1)
        .toSorted(),
    ).toEqual(['3', '4', '5'])
  })

  it('forgets a repository that is removed, and one that is gone', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await bench.ready()
    await bench.workspaces.forgetRepository(bench.repository.path)
    expect(bench.prepared()).toEqual([])
    await bench.ready()
    await rename(bench.repository.path, `${bench.repository.path}-gone`)
    await bench.reopen()
    expect(bench.prepared()).toEqual([])
  })

  it('costs the task nothing when files cannot be prepared', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    await writeFile(join(bench.lab.dataDir, 'prepared'), 'in the way')
    const { path } = await bench.prepare()
    await expectFresh(bench, path)
    await bench.workspaces[Symbol.asyncDispose]()
    expect(readFileSync(join(bench.lab.dataDir, 'prepared'), 'utf8')).toBe('in the way')
  })

  it('gives up with the task that wanted it, and ends with its host', async () => {
    await using bench = await openWorkbench({ pool: { ...POOL, delayMs: 600_000 } })
    expect(await codeOf(bench.prepare({ signal: AbortSignal.abort() }))).toBe('ABORTED')
    expect(readdirSync(join(bench.lab.dataDir, 'tmp'))).toEqual([])
    expect((await bench.prepare()).created).toBe(true)
    await bench.workspaces[Symbol.asyncDispose]()
    expect(bench.prepared()).toEqual([])
  })
})
