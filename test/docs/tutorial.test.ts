/** The tutorial for authors of plugins, followed word by word in an empty folder, with the real program. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { readRepositoryFile, repositoryRoot } from '../helpers/repository-files.ts'
import { runProgram, userPath } from '../helpers/run-program.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

interface Block {
  readonly kind: 'sh' | 'diff' | 'text'
  readonly content: string
}

/** The blocks that a reader types, applies or sees, in order. */
function readBlocks(page: string): Block[] {
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  return blocks.map(([, kind = '', content = '']) => {
    if (kind !== 'sh' && kind !== 'diff' && kind !== 'text') throw new Error(`Nobody follows a block of ${kind}.`)
    return { kind, content }
  })
}

const BEGINS = '== block '

/** All in one shell, as a reader does it; what each block prints comes after its number. */
function toScript(blocks: readonly Block[]): string {
  const steps = blocks.map(({ kind, content }, index) => {
    if (kind === 'text') return ''
    const step = kind === 'sh' ? content : `git apply --unidiff-zero -p0 - <<'END_OF_DIFF'\n${content}END_OF_DIFF\n`
    return `echo "${BEGINS}${index}"\n${step}`
  })
  return ['set -e', ...steps].join('\n')
}

it('does what it says, to one who follows it', async () => {
  using folder = makeTemporaryFolder()
  const [home, bin, work] = ['home', 'programs', 'work'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [home, bin, work]) mkdirSync(path)
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Test\n\temail = test@example.com\n')
  const main = join(repositoryRoot, 'hosts/cli/main.ts')
  writeFileSync(join(bin, 'troupe'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  chmodSync(join(bin, 'troupe'), 0o755)
  const env = { PATH: `${bin}:${dirname(process.execPath)}:${userPath()}`, HOME: home, LANG: 'C.UTF-8' }
  const blocks = readBlocks(readRepositoryFile('docs/plugins/tutorial.md'))

  const { code, stdout, stderr } = await runProgram('sh', ['-c', toScript(blocks)], {
    cwd: work,
    env,
    timeoutMs: 220_000,
  })

  expect({ code, stderr, last: code === 0 ? '' : stdout.slice(-3000) }).toMatchObject({ code: 0, last: '' })
  const printed = new Map(stdout.split(BEGINS).map((part) => [Number.parseInt(part, 10), part]))
  const expected = blocks.flatMap(({ kind, content }, index) =>
    kind === 'text'
      ? content
          .trim()
          .split('\n')
          .map((line) => ({ line, output: printed.get(index - 1) }))
      : [],
  )
  expect(expected.length).toBeGreaterThan(5)
  for (const { line, output } of expected) expect(output).toContain(line)
})
