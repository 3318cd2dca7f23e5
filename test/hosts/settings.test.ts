import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataDirectory } from '../../hosts/data-directory.ts'
import { makeSettings } from '../../hosts/settings.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

test('a variable that is set for an agent is a secret if its name says so, or the manifest; the environment goes first', async () => {
  using folder = makeTemporaryFolder()
  const dataDirectory = await openDataDirectory({}, join(folder.path, 'data'))
  const agent = { agent: 'mine', name: 'Mine', plugin: 'mine', permissionModes: [], secrets: ['MINE', 'OTHER_KEY'] }
  const env = { OTHER_KEY: 'of the host', UNKNOWN_KEY: 'not for agents' }
  const settings = makeSettings({ dataDirectory, env, offered: () => [agent] })
  writeFileSync(
    dataDirectory.config,
    '[agents.mine]\nenv = { MINE = "named", OTHER_KEY = "hidden", MY_API_KEY = "guessed", MODEL = "large" }\n',
  )
  expect(settings.agentSetup('mine').secrets).toEqual([
    { name: 'MINE', value: 'named' },
    { name: 'OTHER_KEY', value: 'of the host' },
    { name: 'MY_API_KEY', value: 'guessed' },
  ])
})

test('a configuration file counts from the moment in which it is changed, for its own repository', async () => {
  using folder = makeTemporaryFolder()
  const dataDirectory = await openDataDirectory({}, join(folder.path, 'data'))
  const settings = makeSettings({ dataDirectory, env: {}, offered: () => [] })
  const [one, other] = ['one', 'other'].map((name) => join(folder.path, name)) as [string, string]
  for (const path of [one, other]) mkdirSync(join(path, '.troupe'), { recursive: true })
  const template = (path: string) => settings.workspaceSetup(path).branchTemplate
  const standard = template(one)
  writeFileSync(join(one, '.troupe', 'config.toml'), '[branch]\ntemplate = "theirs/${taskId}"\n')
  expect([template(one), template(other)]).toEqual(['theirs/${taskId}', standard])
  writeFileSync(dataDirectory.config, '[branch]\ntemplate = "mine/${taskId}"\n')
  expect([template(one), template(other)]).toEqual(['theirs/${taskId}', 'mine/${taskId}'])
  rmSync(join(one, '.troupe'), { recursive: true })
  expect(template(one)).toBe('mine/${taskId}')
  writeFileSync(dataDirectory.config, '[branch]\n')
  expect(template(one)).toBe(standard)
})
