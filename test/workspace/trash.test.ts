import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { mountProbe, mountSmallDisk } from '../faults/small-disk.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

// In a container of CI mounts may be forbidden to everybody, so this is no requirement.
const cannotMount = (await mountProbe()) !== undefined

const trash = (bench: Workbench): string => join(bench.lab.dataDir, 'trash')
const isEmptied = (bench: Workbench): Promise<boolean> =>
  vi.waitUntil(() => readdirSync(trash(bench)).length === 0, { timeout: 60_000 })

describe('the trash', () => {
  it('takes a worktree away at once, and its files go in the background', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    const files = Array.from({ length: 300 }, (_, number) => [`folder/${number}.txt`, 'x'] as const)
    await worktree.commit(Object.fromEntries(files))
    await bench.remove()
    expect(existsSync(worktree.path)).toBe(false)
    expect(await isEmptied(bench)).toBe(true)
  })

  it('deletes what its owner may not write', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await worktree.write({ 'cache/deep/file': 'x' })
    await chmod(join(worktree.path, 'cache/deep'), 0o500)
    await chmod(worktree.path, 0o500)
    await bench.remove()
    expect(await isEmptied(bench)).toBe(true)
  })

  it.skipIf(cannotMount)('is not needed for a worktree on another disk', async () => {
    using disk = mountSmallDisk(1)
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await rm(trash(bench), { recursive: true })
    await symlink(disk.path, trash(bench))
    await bench.remove()
    expect(existsSync(worktree.path)).toBe(false)
  })

  it('is emptied by the next host when one was killed, and temporary folders with it', async () => {
    await using bench = await openWorkbench()
    await bench.workspaces[Symbol.asyncDispose]()
    const temporary = join(bench.lab.dataDir, 'tmp')
    for (const folder of [join(trash(bench), 'left/deep'), join(temporary, 'left')]) {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'file'), 'x')
    }
    await bench.reopen()
    expect(readdirSync(temporary)).toEqual([])
    expect(await isEmptied(bench)).toBe(true)
  })

  it('leaves the rest for the next host when this one stops', async () => {
    await using bench = await openWorkbench()
    const worktree = await bench.worktree()
    await bench.remove()
    await bench.workspaces[Symbol.asyncDispose]()
    expect(existsSync(worktree.path)).toBe(false)
    await bench.reopen()
    expect(await isEmptied(bench)).toBe(true)
  })
})
