/**
 * `docs/performance.md`: what the benchmarks measured, written by them and by nobody else.
 * A run of some benchmarks replaces their rows and keeps the others, if those were measured on a machine like this one.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { readMarkdownTable } from '../../helpers/markdown-table.ts'
import { isSkipped, type Row } from './row.ts'
import { COLUMNS, toCells } from './table.ts'

const FILE = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url))
const HEADER = [...COLUMNS, 'measured']
const STYLE = { parser: 'markdown', printWidth: 120 } as const
const HOW = /^- \*\*(.+?)\*\*: (.*)$/gm

const INTRODUCTION = `# Performance

Written by \`npm run bench -- --write\`; do not edit it. Every figure stands beside the bare thing, measured in turns with it in the
same run: absolute figures of a shared machine say little, ratios and counts do. The host is the compiled program in a process of
its own, driven as its clients drive it. Counts (lost, doubled, processes, bytes) must be met; times are reported.`

interface Entry {
  readonly cells: readonly string[]
  readonly how: string
}

/** @param complete All benchmarks were run: what is not among the rows is gone. */
export async function writeDocument(rows: readonly Row[], { complete }: { readonly complete: boolean }): Promise<void> {
  const machine = describeMachine()
  const before = complete ? new Map<string, Entry>() : readEntries(machine)
  const today = new Date().toISOString().slice(0, 10)
  const fresh = rows.map((row) => [row.name, toEntry(row, today)] as const)
  const text = toText(machine, new Map([...before, ...fresh]))
  writeFileSync(FILE, await format(text, STYLE))
}

/** Nothing that says whose machine it is. */
function describeMachine(): string {
  const [major, minor] = release().split('.')
  return `Machine: ${availableParallelism()} cores, ${process.platform} ${major}.${minor}, Node ${process.versions.node}.`
}

const toEntry = (row: Row, today: string): Entry => ({
  cells: [...toCells(row), today],
  how: isSkipped(row) ? row.reason : row.how,
})

/** Those of the document that is there; none when it tells of another machine. */
function readEntries(machine: string): Map<string, Entry> {
  const text = readDocument()
  if (!text.includes(machine)) return new Map()
  const ways = new Map(Array.from(text.matchAll(HOW), ([, name = '', how = '']) => [name, how]))
  const rows = readMarkdownTable(text, HEADER)
  return new Map(rows.map((cells) => [cells[0] ?? '', { cells, how: ways.get(cells[0] ?? '') ?? '' }]))
}

function readDocument(): string {
  try {
    return readFileSync(FILE, 'utf8')
  } catch {
    return ''
  }
}

function toText(machine: string, entries: ReadonlyMap<string, Entry>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const table = [line(HEADER), line(HEADER.map(() => '---')), ...[...entries.values()].map(({ cells }) => line(cells))]
  const ways = [...entries].map(([name, { how }]) => `- **${name}**: ${how}`)
  return [INTRODUCTION, machine, table.join('\n'), '## How', ways.join('\n'), ''].join('\n\n')
}
