/** Files in the form of a git configuration, read and written. */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { fail, TroupeError } from '../base/errors.ts'
import type { Context } from './context.ts'
import { isGitFile, readGitFile } from './git-file.ts'

export type Setting = readonly [key: string, value: string]

/** What was read lately, by the hash of the text: git is asked once for each text, and an edited file is another text. */
export type ReadSettings = Map<string, readonly Setting[]>

const MAX_BYTES = 4 * 1024 * 1024
const KEPT_TEXTS = 64

/**
 * Gives nothing for a file that is missing. Includes are not followed: they would lead to files outside.
 * @throws TroupeError GIT_FAILED when it is no regular file, too large, unreadable, or no configuration.
 */
export async function readSettings(context: Context, file: string): Promise<readonly Setting[]> {
  if (!isGitFile(file, MAX_BYTES)) return []
  const text = readGitFile(file, MAX_BYTES)
  if (text === undefined) return fail('GIT_FAILED', `${file} cannot be read. Check its owner and mode.`)
  const { readSettings: known } = context
  const key = createHash('sha256').update(text).digest('hex')
  const settings = known.get(key) ?? (await parse(context, file, text))
  known.delete(key)
  known.set(key, settings)
  for (const oldest of [...known.keys()].slice(0, -KEPT_TEXTS)) known.delete(oldest)
  return settings
}

async function parse(context: Context, file: string, input: string): Promise<readonly Setting[]> {
  const { text } = await context
    .git(['config', '--file', '-', '--no-includes', '--null', '--list'], {
      cwd: context.dataDir,
      env: { GIT_CEILING_DIRECTORIES: dirname(context.dataDir) },
      input,
    })
    .catch((error: unknown) => named(error, file))
  return text
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const end = entry.indexOf('\n')
      return end < 0 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
    })
}

/** git read it from its standard input, and would say so. */
function named(error: unknown, file: string): never {
  if (!(error instanceof TroupeError) || error.code !== 'GIT_FAILED') throw error
  fail('GIT_FAILED', error.message.replace('standard input', file), error.details)
}

/** The settings in the form of a git configuration file. */
export function toConfig(settings: readonly Setting[]): string {
  return settings
    .map(([key, value]) => {
      const [section = '', ...rest] = key.split('.')
      const name = rest.pop() ?? ''
      const subsection = rest.length > 0 ? ` ${quoted(rest.join('.'))}` : ''
      return `[${section}${subsection}]\n\t${name} = ${quoted(value)}\n`
    })
    .join('')
}

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
