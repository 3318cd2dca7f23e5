/**
 * `npm run bench [-- <word>...] [--json] [--write]`: builds the program, runs the benchmarks whose file name contains one of the
 * words, one after the other, each module in a process of its own, and prints one table; `--write` puts it into
 * `docs/performance.md`. Every other file of this folder is such a module; each of its exports called `bench...` is an async
 * function that returns rows. Ends with 1 when a benchmark fails or an exact count misses its goal; times never fail.
 */
import { fork, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeDocument } from './runner/document.ts'
import { makeOwnFolder } from './runner/own-folder.ts'
import { isSkipped, meetsGoals, type Row } from './runner/row.ts'
import { toTable } from './runner/table.ts'

const LIMIT_MS = 5 * 60_000
const folder = fileURLToPath(new URL('.', import.meta.url))
const child = fileURLToPath(new URL('./runner/child.ts', import.meta.url))
const builder = fileURLToPath(new URL('../../hosts/cli/build.ts', import.meta.url))

function listModules(words: readonly string[]): string[] {
  const names = globSync('*.ts', { cwd: folder })
    .filter((name) => name !== 'main.ts')
    .toSorted()
  return names.filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
}

const isRows = (message: unknown): message is Row[] => Array.isArray(message)

async function runModule(name: string): Promise<Row[]> {
  const begin = performance.now()
  process.stderr.write(`${name} ...`)
  const rows: Row[] = []
  using own = makeOwnFolder()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const options = { timeout: LIMIT_MS, execArgv: ['--expose-gc'], env: own.env }
  const running = fork(child, [new URL(name, import.meta.url).href], options)
  running.on('message', (message) => isRows(message) && rows.push(...message))
  running.on('error', reject)
  running.on('exit', (code, signal) =>
    code === 0 ? resolve() : reject(new Error(`${name} ended with ${signal ?? code}`)),
  )
  await promise
  process.stderr.write(` ${((performance.now() - begin) / 1000).toFixed(0)} s\n`)
  return rows
}

/** @returns What the modules reported; one that fails is named and does not end the others. */
async function runAll(names: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const name of names) {
    try {
      rows.push(...(await runModule(name)))
    } catch (error) {
      process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
  return rows
}

/** Hosts are measured as people install them. */
function build(): void {
  if (spawnSync(process.execPath, [builder], { stdio: 'inherit' }).status !== 0) process.exit(1)
}

const missesCount = (row: Row): boolean => !isSkipped(row) && row.exact === true && meetsGoals(row) === false

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
})
const names = listModules(positionals)
if (names.length === 0) {
  process.stderr.write('No benchmark has such a name.\n')
  process.exit(2)
}
build()
const rows = await runAll(names)
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `\n${toTable(rows)}\n`)
if (values.write) await writeDocument(rows, { complete: positionals.length === 0 && process.exitCode === undefined })
if (rows.some(missesCount)) process.exitCode = 1
