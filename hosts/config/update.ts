/** Changes the user's config.toml for `updateSettings`. */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { stringify } from 'smol-toml'
import { TroupeError } from '../../core/base/errors.ts'
import type { Json } from '../../core/base/json.ts'
import { writeFileAtomically } from '../atomic-file.ts'
import { parseConfig, readConfigFile } from './file.ts'
import { mergeTables } from './merge.ts'
import { type ConfigFile, type Table, isTable } from './schema.ts'
import { validate } from './validate.ts'

/**
 * Merges values, by section, into the file; null removes a key or a section. An invalid result changes nothing.
 * Comments do not survive a change: a file that has some is kept beside it as `<path>.before`.
 * @throws TroupeError CONFIG_INVALID
 */
export function updateConfigFile(path: string, values: Readonly<Record<string, Json>>): ConfigFile {
  const before = readConfigFile(path)
  const after = validate(withoutEmpty(mergeTables(before, values)), 'the new settings')
  const text = stringify(after)
  parseConfig(text, path)
  write(path, text)
  return after
}

function write(path: string, text: string): void {
  try {
    // A link to a file elsewhere (dotfiles) stays a link.
    const target = existsSync(path) ? realpathSync(path) : path
    const old = existsSync(target) ? readFileSync(target, 'utf8') : ''
    if (old.includes('#')) writeFileAtomically(`${target}.before`, old)
    writeFileAtomically(target, text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TroupeError('CONFIG_INVALID', `${path} cannot be written: ${reason}.`, { source: path }, error)
  }
}

/** Tables that hold nothing any more go too. */
function withoutEmpty(table: Table): Table {
  const kept = Object.entries(table).map(([key, value]) => [key, isTable(value) ? withoutEmpty(value) : value] as const)
  return Object.fromEntries(kept.filter(([, value]) => !isTable(value) || Object.keys(value).length > 0))
}
