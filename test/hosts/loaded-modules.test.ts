import { expect, it } from 'vitest'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { runOrThrow } from '../helpers/run-program.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

/** Starts a host in a program of its own; prints which of these packages it loaded. */
const SCRIPT = `
  import { registerHooks } from 'node:module'
  const loaded = new Set()
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      loaded.add(found.url)
      return found
    },
  })
  const { silentLogger } = await import('./core/base/logger.ts')
  const { composeHost } = await import('./hosts/compose.ts')
  const { openDataDirectory } = await import('./hosts/data-directory.ts')
  const dataDirectory = await openDataDirectory(process.env)
  const host = await composeHost({ dataDirectory, env: process.env, logger: silentLogger, startsSessions: true })
  await host.client.call('listUnitTasks', { limit: 1 })
  await host[Symbol.asyncDispose]()
  const packages = [...loaded].map((url) => url.split('/node_modules/').at(-1).match(/^(@[^/]+\\/)?[^/]+/)[0])
  console.log(JSON.stringify([...new Set(packages)]))`

const start = async (home: string): Promise<string[]> => {
  const env = { PATH: process.env['PATH'], HOME: home, TROUPE_HOME: home }
  const args = ['--input-type=module-typescript', '-e', SCRIPT]
  return JSON.parse(await runOrThrow(process.execPath, args, { cwd: repositoryRoot, env }))
}

const ofDatabases = (packages: readonly string[]) =>
  packages.filter((name) => /mikro-orm|kysely|^pg$|sqlite3/.test(name))

it.each(['makes its database', 'finds it made'])('a host does not load MikroORM when it %s', async (which) => {
  using folder = makeTemporaryFolder()
  const first = await start(folder.path)
  const packages = which === 'makes its database' ? first : await start(folder.path)
  expect(packages).toContain('xstate')
  expect(ofDatabases(packages)).toEqual([])
})
