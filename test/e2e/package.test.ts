import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listRepositoryFiles, readRepositoryFile, repositoryRoot } from '../helpers/repository-files.ts'
import { runOrThrow, runProgram, userPath } from '../helpers/run-program.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

const folder = makeTemporaryFolder()
const clone = join(folder.path, 'clone')
const consumer = join(folder.path, 'consumer')
const home = join(folder.path, 'home')
const repository = join(folder.path, 'repository')

/** npm uses the registry, the proxy and the cache of the machine, and nothing of the npm that runs this test. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|troupe_|vitest|node_options|ci$|init_cwd)/i.test(name) ||
      /^npm_config_(registry|cache|userconfig|globalconfig)$/i.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: userPath() }
}

/** What a user's shell gives the installed program. */
const userEnvironment = {
  PATH: userPath(),
  HOME: home,
  TROUPE_HOME: join(home, '.troupe'),
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
}

function copyClone(): void {
  for (const path of listRepositoryFiles()) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    cpSync(join(repositoryRoot, path), join(clone, path))
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(clone, 'node_modules'))
}

async function pack(): Promise<string> {
  await runOrThrow('npm', ['pack', '--pack-destination', folder.path], { cwd: clone, env: npmEnvironment() })
  const [name] = readdirSync(folder.path).filter((entry) => entry.endsWith('.tgz'))
  if (!name) throw new Error('npm pack made no package.')
  return join(folder.path, name)
}

async function install(archive: string): Promise<void> {
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const args = ['install', archive, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await runOrThrow('npm', args, { cwd: consumer, env: npmEnvironment(), timeoutMs: 300_000 })
}

function makeRepository(): void {
  mkdirSync(repository)
  mkdirSync(home)
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Test\n\temail = test@example.com\n')
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, env: userEnvironment, stdio: 'pipe' })
  git('init', '--quiet', '--initial-branch=main')
  writeFileSync(join(repository, 'README.md'), 'A repository.\n')
  git('add', '.')
  git('commit', '--quiet', '--message=First')
}

const readInstalled = (path: string) => readFileSync(join(consumer, 'node_modules/troupe', path), 'utf8')

const troupe = (...args: string[]) =>
  runProgram(join(consumer, 'node_modules', '.bin', 'troupe'), args, { cwd: consumer, env: userEnvironment })

function checkTypes(file: string, source: string) {
  writeFileSync(join(consumer, file), source)
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--lib', 'esnext,dom']
  const tsc = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  return runProgram(process.execPath, [tsc, ...options, file], { cwd: consumer, env: userEnvironment })
}

describe('the published package', () => {
  let packed: string[] = []

  beforeAll(async () => {
    copyClone()
    const archive = await pack()
    packed = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n')
    await install(archive)
    makeRepository()
  }, 600_000)

  afterAll(() => folder[Symbol.dispose]())

  it('holds the compiled program and its papers, and no sources or tests', () => {
    const paths = packed.map((path) => path.replace(/^package\//, ''))
    const expected = /^(dist\/(core|hosts|plugins)\/|dist\/package\.json$|hosts\/cli\/(troupe|runtime)\.js$|[^/]+$)/
    expect(paths.filter((path) => !expected.test(path))).toEqual([])
    expect(paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([])
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'CHANGELOG.md', 'README.md', 'package.json']))
  })

  it('names JavaScript only, where Node looks for modules at run time', () => {
    const compiled = packed.map((path) => path.replace(/^package\//, '')).filter((path) => /^dist\/.*\.js$/.test(path))
    expect(compiled.length).toBeGreaterThan(50)
    const mentionsSource = /(from|import)\s*\(?\s*['"][^'"]+\.ts['"]|new URL\(\s*['"][^'"]+\.ts['"]/
    expect(compiled.filter((path) => mentionsSource.test(readInstalled(path)))).toEqual([])
  })

  it('prints its version', async () => {
    const { version }: { version: string } = JSON.parse(readRepositoryFile('package.json'))
    expect(await troupe('--version')).toMatchObject({ code: 0, stdout: expect.stringContaining(version), stderr: '' })
  })

  it('prints its help', async () => {
    expect(await troupe('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('troupe run'), stderr: '' })
  })

  it('takes a task from its prompt to review', async () => {
    const command = 'echo hello > hello.txt'
    const run = await troupe('run', command, '--repo', repository, '--agent', 'command', '--json')
    expect(run).toMatchObject({ code: 0 })
    const lines = run.stdout
      .trim()
      .split('\n')
      .map((line): { type: string } => JSON.parse(line))
    expect(
      lines.map(({ type }) => type),
      run.stdout + run.stderr,
    ).toEqual(expect.arrayContaining(['start', 'complete']))
    expect(lines.at(-1)).toMatchObject({ type: 'task', task: { status: 'in_review' } })
    expect(existsSync(join(repository, 'hello.txt'))).toBe(false)
  })

  it('offers its types to the author of a plugin and of a client', async () => {
    const right = `import { definePlugin } from 'troupe/plugin'
       import type { Agent, RunEnd } from 'troupe/plugin'
       import * as client from 'troupe/client'
       const agent: Agent = {
         detect: async () => ({ installed: true, signedIn: 'unknown' }),
         run: async (session): Promise<RunEnd> => ({ kind: 'complete', success: session.prompt !== '' }),
       }
       export default definePlugin({ agents: { sample: agent } })
       export const names: string[] = Object.keys(client)`
    expect(await checkTypes('right.ts', right)).toMatchObject({ code: 0, stdout: '' })
    const wrong = `import { definePlugin } from 'troupe/plugin'; definePlugin({ agents: 1 })`
    expect(await checkTypes('wrong.ts', wrong)).toMatchObject({ stdout: expect.stringContaining('not assignable') })
  })
})
