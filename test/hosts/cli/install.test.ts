import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repositoryRoot } from '../../helpers/repository-files.ts'
import { runProgram, userPath } from '../../helpers/run-program.ts'
import type { ProgramRun } from '../../helpers/run-program.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import type { TemporaryFolder } from '../../helpers/temporary-folder.ts'

/** Stands for npm, whose installation takes a while and needs a network; `npm start` in a clone runs the real one. */
const NPM = `#!/bin/sh
echo "$*" >> calls
[ -f fail ] && { cat fail >&2; exit 1; }
rm -rf node_modules; mkdir node_modules; sleep 0.4
cp package-lock.json node_modules/.package-lock.json
`

const lockFile = (integrity: string) =>
  JSON.stringify({
    packages: {
      '': { name: 'clone' },
      'node_modules/needed': { version: '1.0.0', integrity },
      'node_modules/elsewhere': { version: '1.0.0', integrity: 'x', optional: true, os: ['other'] },
    },
  })

let folder: TemporaryFolder
const at = (...path: string[]) => join(folder.path, ...path)

beforeEach(() => {
  folder = makeTemporaryFolder()
  mkdirSync(at('hosts', 'cli'), { recursive: true })
  mkdirSync(at('bin'))
  for (const name of ['install.js', 'install-lock.js', 'runtime.js']) {
    cpSync(join(repositoryRoot, 'hosts', 'cli', name), at('hosts', 'cli', name))
  }
  writeFileSync(at('package.json'), '{ "type": "module" }')
  writeFileSync(at('package-lock.json'), lockFile('one'))
  writeFileSync(at('bin', 'npm'), NPM)
  chmodSync(at('bin', 'npm'), 0o755)
})
afterEach(() => folder[Symbol.dispose]())

const install = (path = `${at('bin')}:${userPath()}`, flags: string[] = []): Promise<ProgramRun> =>
  runProgram(process.execPath, [...flags, at('hosts', 'cli', 'install.js')], { cwd: at(), env: { PATH: path } })

const calls = () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : [])

describe('the installation before `npm start` and `npm test`', () => {
  it('installs when node_modules is missing, and says why', async () => {
    const run = await install()
    expect(run).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('node_modules is missing') })
    expect(calls()).toEqual([expect.stringMatching(/^ci /)])
  })

  it('does and says nothing when all is there', async () => {
    await install()
    expect(await install()).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(calls()).toHaveLength(1)
  })

  it('installs again when package-lock.json names another package, however old its time is', async () => {
    await install()
    writeFileSync(at('package-lock.json'), lockFile('two'))
    utimesSync(at('package-lock.json'), new Date(0), new Date(0))
    expect((await install()).stderr).toContain('package-lock.json names another node_modules/needed')
    expect(calls()).toHaveLength(2)
  })

  it('installs again when the last installation was cut off', async () => {
    mkdirSync(at('node_modules'))
    expect((await install()).stderr).toContain('the last installation did not end')
    expect(calls()).toHaveLength(1)
  })

  it('runs npm once when two start at the same time', async () => {
    const runs = await Promise.all([install(), install()])
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    expect(calls()).toHaveLength(1)
    expect(existsSync(at('.cache', 'install.lock'))).toBe(false)
  })

  it('takes over from one that was killed', async () => {
    mkdirSync(at('.cache', 'install.lock'), { recursive: true })
    utimesSync(at('.cache', 'install.lock'), new Date(0), new Date(0))
    expect(await install()).toMatchObject({ code: 0 })
    expect(calls()).toHaveLength(1)
  })

  it('says what to do without npm', async () => {
    const run = await install(dirname(process.execPath))
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('npm is not in PATH') })
  })

  it('shows the words of npm, and explains a missing network', async () => {
    writeFileSync(at('fail'), 'npm error code ENOTFOUND\n')
    const run = await install()
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('npm error code ENOTFOUND') })
    expect(run.stderr).toContain('check the network')
  })

  it('refuses a Node that is too old by name', async () => {
    const old = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"18.19.0"}})'
    const run = await install(undefined, [`--import=data:text/javascript,${old}`])
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('Node 20 or newer') })
    expect(calls()).toEqual([])
  })
})
