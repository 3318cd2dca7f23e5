/** A plugin as `troupe plugin new` writes it, with one thing broken. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeStarter } from '../../hosts/cli/starter/write-starter.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Starter extends Disposable {
  readonly folder: string
}

export async function makeStarter(edits: readonly Edit[] = []): Promise<Starter> {
  const parent = makeTemporaryFolder()
  const folder = join(parent.path, 'parrot')
  await writeStarter(folder, { package: 'parrot', agent: 'parrot' })
  for (const { file, from, to } of edits) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(from)) throw new Error(`The starter has no ${JSON.stringify(from)} in ${file} any more.`)
    writeFileSync(
      path,
      text.replace(from, () => to),
    )
  }
  return { folder, [Symbol.dispose]: () => parent[Symbol.dispose]() }
}
