/** The generated documents say what the code says: the error table, the catalogue, the notifications. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../core/base/errors.ts'
import { catalogue, groups } from '../../core/contract/catalogue.ts'
import { notifications } from '../../core/contract/notifications.ts'
import { COMMON_ERRORS } from '../../core/rpc/common-errors.ts'
import { openRpcDocument } from '../../core/rpc/documents/openrpc.ts'
import { staleDocuments } from '../../hosts/cli/docs.ts'

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
const entries = Object.entries(catalogue)

describe('the generated documents', () => {
  it('are what `npm run docs` would write', async () => {
    expect(await staleDocuments()).toEqual([])
  })

  it('have a row for every error of the table, with its number and meaning, and no other', async () => {
    const rows = (await read('docs/errors.md')).matchAll(/^\| `(\w+)` +\| +(-\d+) +\| (.*?) +\|$/gm)
    const written = [...rows].map(([, name, rpc, doc]) => [name, { rpc: Number(rpc), doc }])
    expect(Object.fromEntries(written)).toEqual(ERRORS)
  })

  it('have a heading for every method and notification', async () => {
    const page = await read('docs/rpc.md')
    const headings = new Set([...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name))
    expect([...Object.keys(catalogue), ...Object.keys(notifications)].filter((name) => !headings.has(name))).toEqual([])
  })
})

describe('the OpenRPC document', () => {
  const document = JSON.parse(JSON.stringify(openRpcDocument()))

  it('has the methods of the catalogue, each with its sentence and its errors', () => {
    const described = document.methods.map(
      (method: { name: string; summary: string; errors: { data: { code: string } }[] }) => [
        method.name,
        { doc: method.summary, errors: method.errors.map(({ data }) => data.code) },
      ],
    )
    expect(Object.fromEntries(described)).toEqual(
      Object.fromEntries(entries.map(([name, { doc, errors }]) => [name, { doc, errors }])),
    )
  })

  it('refers to nothing that it does not have', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference)
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)
    expect(references.filter((reference) => !known.includes(reference ?? ''))).toEqual([])
    expect(references.length).toBeGreaterThan(50)
  })
})

describe('the catalogue', () => {
  it('has every method in one group only', () => {
    expect(
      Object.values(groups)
        .flatMap((group) => Object.keys(group))
        .toSorted(),
    ).toEqual(entries.map(([name]) => name).toSorted())
  })

  it('says of each method what it does, in a sentence', () => {
    expect(entries.filter(([, { doc }]) => !/^[A-Z].*\.$/.test(doc)).map(([name]) => name)).toEqual([])
  })

  it('lists for a method only errors that not every call may get', () => {
    const listed = entries.flatMap(([name, { errors }]) => errors.map((code) => `${name}: ${code}`))
    const common = COMMON_ERRORS.filter((code) => code !== 'INVALID_PARAMS' && code !== 'LIMIT_BODY')
    expect(listed.filter((line) => common.some((code) => line.endsWith(`: ${code}`)))).toEqual([])
  })
})
