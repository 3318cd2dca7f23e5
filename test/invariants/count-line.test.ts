import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { runProgram } from '../helpers/run-program.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import type { TemporaryFolder } from '../helpers/temporary-folder.ts'

const helper = (name: string) => pathToFileURL(join(repositoryRoot, 'test', 'helpers', name)).href

let folder: TemporaryFolder
beforeEach(() => {
  folder = makeTemporaryFolder()
  mkdirSync(join(folder.path, 'test'))
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder.path, 'node_modules'))
  write('package.json', '{ "type": "module" }')
  write(
    'vitest.config.ts',
    `import { CountReporter } from '${helper('reporter.ts')}'
     export default { test: { reporters: ['default', new CountReporter()], include: ['test/*.test.ts'] } }`,
  )
})
afterEach(() => folder[Symbol.dispose]())

const write = (path: string, text: string) => writeFileSync(join(folder.path, path), text)

/** Runs the files as tests: `{ name: source }`. */
async function runTests(sources: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv = {}) {
  for (const [name, source] of Object.entries(sources)) {
    write(`test/${name}.test.ts`, `import { beforeAll, describe, it } from 'vitest'\n${source}`)
  }
  const vitest = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs')
  const run = await runProgram(process.execPath, [vitest, 'run'], {
    cwd: folder.path,
    env: { PATH: process.env['PATH'], HOME: folder.path, NO_COLOR: '1', ...env },
  })
  return { code: run.code, last: run.stdout.trimEnd().split('\n').at(-1), stdout: run.stdout }
}

describe('the last line of `npm test`', () => {
  it('counts tests', async () => {
    const run = await runTests({ a: `it('x', () => {}); it.skip('y', () => {})`, b: `it('z', () => {})` })
    expect(run).toMatchObject({ code: 0, last: '2 passed, 0 failed, 1 skipped' })
  })

  it('counts as failed what could not be loaded, set up or handled', async () => {
    const run = await runTests({
      loads: `throw new Error('no')`,
      setsUp: `describe('a', () => { beforeAll(() => { throw new Error('no') }); it('x', () => {}) })`,
      rejects: `it('x', async () => { void Promise.reject(new Error('no')); await new Promise((r) => setTimeout(r, 20)) })`,
      fails: `it('x', () => { throw new Error('no') })`,
    })
    expect(run).toMatchObject({ code: 1, last: '1 passed, 4 failed, 1 skipped' })
  })

  it('comes after the reasons of what was skipped', async () => {
    const run = await runTests({ a: `it('x', ({ skip }) => skip('needs a moon'))` })
    expect(run.stdout).toContain('skipped  test/a.test.ts > x: needs a moon\n0 passed')
  })

  it('does not claim success when no test was found', async () => {
    expect(await runTests({})).toMatchObject({ code: 1, last: '0 passed, 1 failed, 0 skipped' })
  })
})

describe('a test whose component is missing', () => {
  const source = `import { program, requires } from '${helper('requirement.ts')}'
    const describeWithMoon = await requires('the moon', program('moon-of-no-planet'))
    describeWithMoon('a tide', () => { it('rises', () => {}) })`

  it('is skipped with the reason', async () => {
    const run = await runTests({ a: source })
    expect(run).toMatchObject({ code: 0, last: '0 passed, 0 failed, 1 skipped' })
    expect(run.stdout).toMatch(/skipped .*a tide \(needs the moon: moon-of-no-planet cannot be started/)
  })

  it('fails in CI', async () => {
    expect(await runTests({ a: source }, { CI: 'true' })).toMatchObject({
      code: 1,
      last: '0 passed, 1 failed, 0 skipped',
    })
  })
})
