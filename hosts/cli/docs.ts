/** `npm run docs` writes the generated documents; with `--check` it fails and names those that differ. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { generatedDocuments, type GeneratedDocument } from '../../core/rpc/documents/pages.ts'
import { contractDocument } from './contract-page.ts'

const documents: readonly GeneratedDocument[] = [...generatedDocuments, contractDocument]

const pathOf = ({ path }: GeneratedDocument): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The text as it must stand in the file. */
async function render(document: GeneratedDocument): Promise<string> {
  const filepath = pathOf(document)
  return format(document.make(), { ...(await resolveConfig(filepath)), filepath })
}

async function write(document: GeneratedDocument): Promise<void> {
  const path = pathOf(document)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, await render(document))
}

/** Paths of documents that are not what would be written. */
export async function staleDocuments(): Promise<string[]> {
  const checked = await Promise.all(
    documents.map(async (document) => {
      const written = await readFile(pathOf(document), 'utf8').catch(() => undefined)
      return written === (await render(document)) ? [] : [document.path]
    }),
  )
  return checked.flat()
}

async function main(): Promise<void> {
  if (!process.argv.includes('--check')) {
    await Promise.all(documents.map(write))
    return
  }
  const stale = await staleDocuments()
  for (const path of stale) process.stderr.write(`${path} is not up to date; run: npm run docs\n`)
  process.exitCode = stale.length === 0 ? 0 : 1
}

if (import.meta.main) await main()
