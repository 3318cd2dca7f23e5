/** Reads a config.toml. The file of a repository is hostile input: no links, no pipes, no endless content. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { TomlError, parse } from 'smol-toml'
import { TroupeError, fail } from '../../core/base/errors.ts'
import { type ConfigFile, isTable } from './schema.ts'
import { validate } from './validate.ts'

export const MAX_CONFIG_BYTES = 256 * 1024
/** Deeper than any key of ours. */
const MAX_DEPTH = 8

/**
 * Gives an empty configuration when there is no such file.
 * @throws TroupeError CONFIG_INVALID
 */
export const readConfigFile = (path: string): ConfigFile => parseConfig(readConfigText(path, 'follow'), path)

/** @throws TroupeError CONFIG_INVALID */
export function parseConfig(text: string | undefined, path: string): ConfigFile {
  if (text === undefined) return {}
  try {
    const table = parse(text)
    if (depth(table) > MAX_DEPTH) fail('CONFIG_INVALID', `${path}: the tables are nested too deep.`)
    return validate(table, path)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const problem = error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '')
    throw new TroupeError(
      'CONFIG_INVALID',
      `${path}:${error.line}:${error.column}: ${problem}.`,
      { source: path },
      error,
    )
  }
}

/**
 * Undefined when there is no such file.
 * @param links whether the file may be a symbolic link
 * @throws TroupeError CONFIG_INVALID
 */
export function readConfigText(path: string, links: 'follow' | 'refuse'): string | undefined {
  // A pipe in place of the file must not block us until somebody writes to it.
  const flags =
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (links === 'refuse' ? (constants.O_NOFOLLOW ?? 0) : 0)
  let file: number | undefined
  try {
    file = openSync(path, flags)
    const { size } = assertRegular(path, file)
    if (size > MAX_CONFIG_BYTES) fail('CONFIG_INVALID', `${path} is larger than ${MAX_CONFIG_BYTES} bytes.`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    return missing(path, error)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function assertRegular(path: string, file: number): { size: number } {
  const found = fstatSync(file)
  return found.isFile() ? found : fail('CONFIG_INVALID', `${path} is not a regular file.`)
}

function missing(path: string, error: unknown): undefined {
  if (error instanceof TroupeError) throw error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  const reason = code === 'ELOOP' ? 'it is a symbolic link' : error instanceof Error ? error.message : String(error)
  throw new TroupeError('CONFIG_INVALID', `${path} cannot be read: ${reason}.`, { source: path }, error)
}

const depth = (value: unknown): number => {
  const inner = Array.isArray(value) ? value : isTable(value) ? Object.values(value) : undefined
  return inner ? 1 + Math.max(0, ...inner.map(depth)) : 0
}
