/** Writes the files of a new plugin from the templates beside this module. */
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail } from '../../../core/base/errors.ts'

export interface StarterNames {
  /** Of the npm package. */
  readonly package: string
  readonly agent: string
}

const TEMPLATES = import.meta.dirname
const SUFFIX = '.txt'
/** A dot would hide it from those who look at the templates. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore' }
const EXECUTABLE = '.mjs'

/**
 * Gives the names of the files that it wrote.
 * @throws TroupeError USAGE when the folder exists.
 */
export async function writeStarter(folder: string, names: StarterNames): Promise<string[]> {
  await mkdir(dirname(folder), { recursive: true })
  await mkdir(folder).catch(() => fail('USAGE', `${folder} exists already, or cannot be made. Choose another name.`))
  const templates = (await readdir(TEMPLATES)).filter((name) => name.endsWith(SUFFIX)).toSorted()
  return Promise.all(templates.map((template) => writeOne(template, folder, names)))
}

async function writeOne(template: string, folder: string, names: StarterNames): Promise<string> {
  const name = template.slice(0, -SUFFIX.length)
  const path = join(folder, RENAMED[name] ?? name)
  await writeFile(path, fill(await readFile(join(TEMPLATES, template), 'utf8'), names))
  if (path.endsWith(EXECUTABLE)) await chmod(path, 0o755)
  return RENAMED[name] ?? name
}

const fill = (text: string, { package: name, agent }: StarterNames): string =>
  text.replaceAll('{{package}}', name).replaceAll('{{agent}}', agent).replaceAll('{{title}}', toTitle(agent))

/** `my-agent` as people call it: My agent. */
const toTitle = (agent: string): string => {
  const words = agent.replaceAll('-', ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
