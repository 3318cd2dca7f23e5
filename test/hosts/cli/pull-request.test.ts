/** `troupe task pr` and `troupe task done`, as their user has them. */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FORGE_TOKEN, startForgeServer } from '../../helpers/forge-server.ts'
import { openTroupe } from '../../helpers/troupe.ts'

const ADDRESS = 'https://github.com/octo/tools.git'

it('a task goes from its approval to a pull request, and is done when that was merged', async () => {
  await using server = await startForgeServer()
  await using troupe = await openTroupe()
  const { lab, env } = troupe
  const far = await lab.repository('far.git', { empty: true, args: ['--bare'] })
  await appendFile(join(env['HOME'] ?? '', '.gitconfig'), `[url "${far.path}"]\n\tinsteadOf = ${ADDRESS}\n`)
  Object.assign(env, { GITHUB_TOKEN: FORGE_TOKEN, TROUPE_GITHUB_API_URL: server.github })
  const repository = await lab.repository()
  await repository.git('remote', 'add', 'origin', ADDRESS)
  await troupe.start()
  const { id } = await troupe.addTask(repository, { prompt: 'echo work > work.txt', agent: 'command' })
  await troupe.until(id, 'in_review')

  const early = await troupe.run(['task', 'pr', id])
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('Approve it first')])
  const approved = await troupe.run(['task', 'approve', id])
  expect(approved.stdout).toMatch(/troupe task pr \w{8} +or push it and open a pull request/)
  const opened = await troupe.run(['task', 'pr', id, '--title', 'Add work', '--body', 'Closes #12'])
  expect([opened.code, opened.stderr]).toEqual([0, ''])
  expect(opened.stdout).toMatch(/has a pull request: https:\/\/github\.com\/octo\/tools\/pull\/1\n[^]*troupe task done/)
  expect(server.requests.map(({ body }) => body)).toMatchObject([{ title: 'Add work', body: 'Closes #12' }])
  const again = await troupe.run(['task', 'pr', id, '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ url: 'https://github.com/octo/tools/pull/1', task: { id } })
  const done = await troupe.run(['task', 'done', id])
  expect(done.stdout).toMatch(/^\w{8} is done\.\n$/)
})
