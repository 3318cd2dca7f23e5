import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DiffFile, TaskDiff } from '../../../../core/contract/records.ts'
import { changeSummary, diffLines, fileLines, toPatch } from '../../../../hosts/cli/render/diff.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'
import { makeTemporaryFolder } from '../../../helpers/temporary-folder.ts'

const style = makeStyle({}, {})
const file = (fields: Partial<DiffFile> & Pick<DiffFile, 'path'>): DiffFile => ({
  change: 'modified',
  binary: false,
  submodule: false,
  additions: 1,
  deletions: 0,
  ...fields,
})
const diffOf = (...files: DiffFile[]): TaskDiff => ({ baseCommit: 'b', files, additions: files.length, deletions: 0 })

describe('the list of changed files', () => {
  it('has a line for each with what happened to it', () => {
    const diff = diffOf(
      file({ path: 'src/a.ts', additions: 4, deletions: 1 }),
      file({ path: 'logo.png', change: 'added', binary: true }),
      file({ path: 'new.ts', oldPath: 'old.ts', change: 'renamed', additions: 0 }),
      file({ path: 'run.sh', oldMode: '100644', newMode: '100755', additions: 0 }),
    )
    expect(changeSummary(diff, style)).toBe('4 files changed, +4 −0')
    expect(fileLines(diff, style)).toEqual([
      ' M src/a.ts         +4 −1',
      ' A logo.png         binary',
      ' R old.ts → new.ts',
      ' M run.sh           mode 100644 → 100755',
    ])
    expect(fileLines(diff, style, 2).at(-1)).toBe(' … 2 more files')
  })
})

describe('the diff for people', () => {
  it('holds nothing that a terminal would obey, in names or lines', () => {
    const escape = String.fromCodePoint(0x1b)
    const diff = diffOf(file({ path: `a${escape}[31m.ts`, patch: `@@ -1 +1 @@\n+x${escape}]0;t\u0007\r\u009b2J\n` }))
    expect(diffLines(diff, style).join('')).not.toMatch(/\p{Cc}/u)
  })

  it('says what it does not show', () => {
    const diff = diffOf(file({ path: 'big', tooLarge: true, additions: 90_000 }), file({ path: 'b', binary: true }))
    expect(diffLines(diff, style)).toEqual(['M big', '(not shown: +90000)', '', 'M b', '(binary)'])
  })
})

describe('the patch', () => {
  it('is one that git applies, with new, changed, renamed and deleted files and odd names', () => {
    using folder = makeTemporaryFolder()
    const repository = join(folder.path, 'r')
    mkdirSync(repository)
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: repository, env: { PATH: process.env['PATH'], HOME: folder.path } })
    git('init', '--quiet')
    writeFileSync(join(repository, 'changed'), 'one\ntwo\n')
    writeFileSync(join(repository, 'gone'), 'x\n')
    writeFileSync(join(repository, 'old name'), 'same\n')
    const patch = toPatch(
      diffOf(
        file({
          path: 'changed',
          patch: '@@ -1,2 +1,2 @@\n one\n-two\n+zwei\u001b\r\n',
          oldMode: '100644',
          newMode: '100755',
        }),
        file({
          path: 'quo"te\n',
          change: 'added',
          newMode: '100644',
          patch: '@@ -0,0 +1 @@\n+new\n\\ No newline at end of file\n',
        }),
        file({ path: 'gone', change: 'deleted', oldMode: '100644', patch: '@@ -1 +0,0 @@\n-x\n' }),
        file({ path: 'new name', oldPath: 'old name', change: 'renamed' }),
        file({ path: 'binary', binary: true }),
      ),
    )
    execFileSync('git', ['apply', '-'], {
      cwd: repository,
      input: patch,
      stdio: 'pipe',
      env: { PATH: process.env['PATH'], HOME: folder.path },
    })
    expect(readFileSync(join(repository, 'changed'), 'utf8')).toBe('one\nzwei\u001b\r\n')
    expect(readFileSync(join(repository, 'quo"te\n'), 'utf8')).toBe('new')
    expect(readFileSync(join(repository, 'new name'), 'utf8')).toBe('same\n')
    expect(() => readFileSync(join(repository, 'gone'))).toThrow(/ENOENT/)
  })
})
