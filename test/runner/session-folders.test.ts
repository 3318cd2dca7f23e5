import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeSessionFolder, nextOf, scratchOf, SessionFolders } from '../../core/runner/session-folders.ts'
import { makeTestClock } from '../engine/workbench.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import { finish, openBench } from '../sandbox/helpers.ts'

const MOMENT_MS = 1000

function openFolders() {
  const temporary = makeTemporaryFolder()
  const clock = makeTestClock()
  const folders = new SessionFolders({ runRoot: temporary.path, clock })
  const make = (id: string): string => {
    const folder = join(temporary.path, id)
    folders.make(folder)
    return folder
  }
  return { clock, folders, make, root: temporary.path, [Symbol.dispose]: () => temporary[Symbol.dispose]() }
}

describe('the folder of a session', () => {
  test('becomes the one that was made ahead, which nobody else gets', () => {
    using bench = openFolders()
    bench.make('first')
    expect(readdirSync(bench.root)).toEqual(['first'])
    bench.clock.advance(MOMENT_MS)
    const [spare = ''] = readdirSync(bench.root).filter((name) => name !== 'first')
    const { ino } = statSync(join(bench.root, spare))
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
