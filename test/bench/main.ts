/**
 * `npm run bench [-- <word>...] [--json]`: runs the benchmarks whose file name contains one of the words, one after the
 * other, each module in a process of its own, and prints one table. Every other file of this folder is such a module; each of its
 * exports called `bench...` is an async function that returns rows.
 */
import { fork } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Row } from './runner/row.ts'
import { toTable } from './runner/table.ts'

const LIMIT_MS = 10 * 60_000
const folder = fileURLToPath(new URL('.', import.meta.url))
const child = fileURLToPath(new URL('./runner/child.ts', import.meta.url))

function listModules(words: readonly string[]): string[] {
  const names = globSync('*.ts', { cwd: folder })
    .filter((name) => name !== 'main.ts')
    .toSorted()
  return names.filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
}

const isRows = (message: unknown): message is Row[] => Array.isArray(message)

async function runModule(name: string): Promise<Row[]> {
  process.stderr.write(`${name} ...\n`)
  const rows: Row[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const running = fork(child, [new URL(name, import.meta.url).href], { timeout: LIMIT_MS, execArgv: ['--expose-gc'] })
  running.on('message', (message) => isRows(message) && rows.push(...message))
  running.on('error', reject)
  running.on('close', (code, signal) =>
    code === 0 ? resolve() : reject(new Error(`${name} ended with ${signal ?? code}`)),
  )
  await promise
  return rows
}

/** @returns What the modules reported; one that fails is named and does not end the others. */
async function runAll(names: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const name of names) {
    try {
      rows.push(...(await runModule(name)))
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
  return rows
}

const words = process.argv.slice(2)
const names = listModules(words.filter((word) => !word.startsWith('--')))
if (names.length === 0) {
  process.stderr.write('No benchmark has such a name.\n')
  process.exit(2)
}
const rows = await runAll(names)
process.stdout.write(words.includes('--json') ? `${JSON.stringify(rows, null, 2)}\n` : `\n${toTable(rows)}\n`)
