import { execFileSync } from 'node:child_process'
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeOf, openWorkbench, type Workbench } from './workbench.ts'

const tip = (bench: Workbench, branchName: string): Promise<string | undefined> =>
  bench.workspaces.branchTip({ repositoryPath: bench.repository.path, branchName })

/** What git itself says. */
const byGit = (bench: Workbench, branch: string): Promise<string> =>
  bench.repository.git('rev-parse', '--verify', `refs/heads/${branch}`)

describe('the commit of a branch', () => {
  it('is found in a file, in the packed list, and in the file first', async () => {
    await using bench = await openWorkbench()
    const { repository } = bench
    await repository.git('branch', 'a/b')
    await repository.git('branch', 'tail')
    expect(await tip(bench, 'a/b')).toBe(await byGit(bench, 'a/b'))
    await repository.git('pack-refs', '--all')
    for (const branch of ['a/b', 'main', 'tail']) expect(await tip(bench, branch)).toBe(await byGit(bench, branch))
    const moved = await repository.commit({ 'a.txt': 'a' })
    expect(await tip(bench, 'main')).toBe(moved)
  })

  it('is not that of a branch whose name only begins or ends so', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('branch', 'a/main/b')
    for (const branch of ['a', 'a/main', 'main/b', 'mai', 'ain']) expect(await tip(bench, branch)).toBeUndefined()
    await bench.repository.git('pack-refs', '--all')
    for (const branch of ['a', 'a/main', 'main/b', 'mai', 'ain']) expect(await tip(bench, branch)).toBeUndefined()
  })

  it('is that of the branch which it names', async () => {
    await using bench = await openWorkbench()
    await bench.repository.git('symbolic-ref', 'refs/heads/other', 'refs/heads/main')
    expect(await tip(bench, 'other')).toBe(await byGit(bench, 'main'))
  })

  it('is found in a list that is longer than what is read in process', async () => {
    await using bench = await openWorkbench()
    const main = await byGit(bench, 'main')
    const lines = Array.from(
      { length: 20_000 },
      (_, number) => `${main} refs/heads/many/${String(number).padStart(6, '0')}\n`,
    )
    await writeFile(
      join(bench.repository.path, '.git/packed-refs'),
      `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`,
    )
    expect(await tip(bench, 'many/019999')).toBe(main)
    expect(await tip(bench, 'many/020000')).toBeUndefined()
  })

  it('is none in an empty folder or a broken file, and a pipe in its place is a failure', async () => {
    await using bench = await openWorkbench()
    const file = join(bench.repository.path, '.git/refs/heads/broken')
    await writeFile(file, 'no commit\n')
    expect(await tip(bench, 'broken')).toBeUndefined()
    await rm(file)
    await mkdir(file)
    expect(await tip(bench, 'broken')).toBeUndefined()
    await rmdir(file)
    execFileSync('mkfifo', [file])
    expect(await codeOf(tip(bench, 'broken'))).toBe('GIT_FAILED')
  })
})
