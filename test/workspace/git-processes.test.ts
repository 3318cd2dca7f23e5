import { chmodSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { openWorkspaces } from '../../core/workspace/workspaces.ts'
import { BRANCH, openWorkbench, POOL, TASK } from './workbench.ts'

/** Each costs some milliseconds, and more in a host with much memory. */
describe('the git processes that a task costs', () => {
  it('are few, and those of a known configuration none', async () => {
    await using bench = await openWorkbench({ pool: POOL })
    const { lab, repository } = bench
    await repository.write({ '.env': 'KEY=1', local: 'x' })
    await bench.ready()
    const [folder, calls] = [join(lab.folder, 'bin'), join(lab.folder, 'calls')]
    const real = execFileSync('which', ['git'], { encoding: 'utf8', env: lab.env }).trim()
    await mkdir(folder)
    // The last of our own settings comes before the command.
    const note = `echo "$@" | sed 's/.*color.ui=false //' >> '${calls}'`
    await writeFile(join(folder, 'git'), `#!/bin/sh\n${note}\nexec '${real}' "$@"\n`)
    chmodSync(join(folder, 'git'), 0o755)
    const env = { ...lab.env, PATH: `${folder}:${lab.env['PATH']}` }
    const pool = { ...POOL, delayMs: 600_000 }
    await using workspaces = await openWorkspaces({ dataDir: lab.dataDir, env, pool })
    await workspaces.inspectRepository(repository.path)

    async function count(work: () => Promise<unknown>): Promise<string[]> {
      await writeFile(calls, '')
      await work()
      return readFileSync(calls, 'utf8').split('\n').filter(Boolean).toSorted()
    }
    const place = { taskId: TASK, branchName: BRANCH, repositoryPath: repository.path }
    const request = { ...place, baseBranch: 'main', setup: { copy: ['.env', 'local'] }, env: {} }
    const claimed = await count(() => workspaces.prepareWorkspace(request))
    expect(claimed.map((call) => /(?:update-ref|diff-files|ls-files)/.exec(call)?.[0])).toEqual([
      'diff-files',
      'ls-files',
      'ls-files',
      'update-ref',
    ])
    expect(await count(() => workspaces.prepareWorkspace(request))).toEqual([])
    expect(await count(() => workspaces.branchTip(place))).toEqual([])
    const ordinary = await count(() =>
      workspaces.prepareWorkspace({ ...request, taskId: 'other', branchName: 'other' }),
    )
    expect(ordinary.map((call) => /^(?:update-ref|read-tree|ls-files)/.exec(call)?.[0])).toEqual([
      'ls-files',
      'read-tree',
      'update-ref',
    ])
  })
})
