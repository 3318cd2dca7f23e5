import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { makeSessionFolder, nextOf, scratchOf, SessionFolders } from '../../core/runner/session-folders.ts'
import { toProcessFolder } from '../../core/sandbox/process-folder.ts'
import { makeTestClock } from '../engine/workbench.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import { finish, openBench, waitFor } from '../sandbox/helpers.ts'

const MOMENT_MS = 1000

/** The longest path that the system takes. */
const LONGEST = process.platform === 'darwin' ? 1023 : 4095

function openFolders({ below = (root: string) => root } = {}) {
  const temporary = makeTemporaryFolder()
  const root = below(temporary.path)
  mkdirSync(root, { recursive: true })
  const clock = makeTestClock()
  const completed: string[] = []
  const sandbox = { complete: (folder: string) => void completed.push(folder) }
  const folders = new SessionFolders({ runRoot: root, clock, sandbox })
  const make = (id: string): string => {
    const folder = join(root, id)
    folders.make(folder)
    return folder
  }
  return { clock, completed, folders, make, root, [Symbol.dispose]: () => temporary[Symbol.dispose]() }
}

describe('the folder of a session', () => {
  test('becomes the one that was made ahead, which nobody else gets', () => {
    using bench = openFolders()
    bench.make('first')
    expect(readdirSync(bench.root)).toEqual(['first'])
    bench.clock.advance(MOMENT_MS)
    const [spare = ''] = readdirSync(bench.root).filter((name) => name !== 'first')
    const { ino } = statSync(join(bench.root, spare))
    expect(bench.completed).toEqual([nextOf(join(bench.root, spare))])
    expect(statSync(bench.make('second')).ino).toBe(ino)
    expect(statSync(bench.make('third')).ino).not.toBe(ino)
    expect(readdirSync(bench.root).toSorted()).toEqual(['first', 'second', 'third'])
  })

  test('has the same in it and is private, made ahead or not', () => {
    using bench = openFolders()
    const now = bench.make('now')
    bench.clock.advance(MOMENT_MS)
    const ahead = bench.make('ahead')
    for (const folder of [now, ahead]) {
      expect(readdirSync(folder).toSorted()).toEqual(['next', 'scratch'])
      expect(readdirSync(nextOf(folder)).toSorted()).toEqual(['err', 'exit', 'out', 'process.json.new'])
      for (const path of [folder, scratchOf(folder), nextOf(folder)]) expect(statSync(path).mode & 0o077).toBe(0)
    }
  })

  test('is made there and then where something is in its place already', () => {
    using bench = openFolders()
    bench.make('first')
    bench.clock.advance(MOMENT_MS)
    // A host that was killed before it had started a process.
    const folder = join(bench.root, 'second')
    makeSessionFolder(folder)
    writeFileSync(join(nextOf(folder), 'out'), 'of then')
    bench.make('second')
    expect(readFileSync(join(nextOf(folder), 'out'), 'utf8')).toBe('')
  })

  test('leaves nothing of a spare that could be made only in part', () => {
    const spare = `spare-${newId()}`
    // Its last file has one letter too many.
    const length = LONGEST + 1 - join('/', spare, 'next/process.json.new').length
    const deep = `/${'x'.repeat(199)}`.repeat(25)
    const below = (root: string) => root + deep.slice(0, length - root.length)
    using bench = openFolders({ below })
    bench.make('first')
    bench.clock.advance(MOMENT_MS)
    expect(readdirSync(bench.root)).toEqual(['first'])
    expect(() => makeSessionFolder(join(bench.root, spare))).toThrow('ENAMETOOLONG')
    expect(readdirSync(bench.root)).toHaveLength(2)
  })

  test('leaves no spare behind when the host goes, and makes none after', () => {
    using bench = openFolders()
    bench.make('first')
    bench.clock.advance(MOMENT_MS)
    expect(readdirSync(bench.root)).toHaveLength(2)
    bench.folders[Symbol.dispose]()
    expect(readdirSync(bench.root)).toEqual(['first'])
    using other = openFolders()
    other.make('first')
    other.folders[Symbol.dispose]()
    other.clock.advance(MOMENT_MS)
    expect(readdirSync(other.root)).toEqual(['first'])
  })
})

describe('a folder of a process that was made ahead', () => {
  test('is moved to its place and used like any other', async () => {
    await using bench = await openBench()
    const session = join(bench.root, 'session')
    makeSessionFolder(session)
    const request = bench.script('echo hello', { madeAhead: nextOf(session) })
    await using running = await bench.sandbox.spawn(request)
    expect(await finish(running)).toMatchObject({ stdout: 'hello\n', exit: { code: 0 } })
    expect(existsSync(nextOf(session))).toBe(false)
    expect(readdirSync(request.folder).toSorted()).toEqual(['err', 'exit', 'out', 'process.json'])
  })

  test('has the pipe of a live input already, which another program does not mind', async () => {
    await using bench = await openBench()
    const inputs = ['live', { content: 'hello\n' }, 'none'] as const
    const session = join(bench.root, 'session')
    for (const stdin of inputs) {
      makeSessionFolder(session)
      const { in: pipe } = toProcessFolder(nextOf(session))
      bench.sandbox.complete(nextOf(session))
      await waitFor(() => existsSync(pipe) || undefined)
      const { ino, mode } = statSync(pipe)
      expect(mode & 0o777).toBe(0o600)
      const request = bench.request('head', ['-n', '1'], { madeAhead: nextOf(session), stdin })
      await using running = await bench.sandbox.spawn(request)
      if (stdin === 'live') await running.write('hello\n')
      const stdout = stdin === 'none' ? '' : 'hello\n'
      expect(await finish(running)).toMatchObject({ stdout, exit: { code: 0 } })
      expect(statSync(toProcessFolder(request.folder).in).ino).toBe(ino)
    }
  })

  test('gives no live input where something else is in the place of its pipe', async () => {
    await using bench = await openBench()
    const session = join(bench.root, 'session')
    makeSessionFolder(session)
    writeFileSync(toProcessFolder(nextOf(session)).in, 'old')
    const request = bench.request('cat', [], { madeAhead: nextOf(session), stdin: 'live' })
    await expect(bench.sandbox.spawn(request)).rejects.toMatchObject({ code: 'PROCESS_START' })
  })

  test('never takes the place of one in which a process was', async () => {
    await using bench = await openBench()
    const session = join(bench.root, 'session')
    makeSessionFolder(session)
    const request = bench.script('echo hello', { madeAhead: nextOf(session) })
    mkdirSync(request.folder, { recursive: true })
    writeFileSync(join(request.folder, 'out'), 'old')
    await expect(bench.sandbox.spawn(request)).rejects.toMatchObject({ code: 'PROCESS_START' })
    expect(readFileSync(join(request.folder, 'out'), 'utf8')).toBe('old')
  })
})
