/** Reads a plugin's folder with suspicion: it may come from anywhere. */
import { constants, open, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { TroupeError } from '../base/errors.ts'

const MOST_BYTES = 1024 * 1024

/**
 * The JSON of `<folder>/package.json`.
 * @throws TroupeError PLUGIN_MANIFEST when it is missing, no file, over 1 MiB or not JSON.
 */
export async function readPackageJson(folder: string): Promise<unknown> {
  const path = join(folder, 'package.json')
  try {
    return JSON.parse(await readBounded(path)) as unknown
  } catch (error) {
    if (error instanceof TroupeError) throw error
    if (isMissing(error)) throw new TroupeError('PLUGIN_MANIFEST', `${folder} is no plugin: it has no package.json.`)
    throw new TroupeError(
      'PLUGIN_MANIFEST',
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

async function readBounded(path: string): Promise<string> {
  // Without O_NONBLOCK a named pipe would hold the host until somebody writes to it.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const facts = await file.stat()
  if (!facts.isFile()) throw new TroupeError('PLUGIN_MANIFEST', `${path} is not a file.`)
  const buffer = Buffer.alloc(MOST_BYTES + 1)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
  if (bytesRead > MOST_BYTES) throw new TroupeError('PLUGIN_MANIFEST', `${path} is larger than 1 MiB.`)
  return buffer.toString('utf8', 0, bytesRead)
}

/**
 * The real path of the main module. A `main` of TypeScript is found as JavaScript where the package was compiled.
 * @throws TroupeError PLUGIN_MANIFEST when it is missing, or leaves the folder by its name or by a symbolic link.
 */
export async function findMain(folder: string, main: string): Promise<string> {
  const home = await realpath(folder)
  const wanted = resolve(home, main)
  assertInside(home, wanted, main)
  const path = (await existing(wanted)) ?? (await existing(wanted.replace(/\.ts$/, '.js')))
  if (!path)
    throw new TroupeError('PLUGIN_MANIFEST', `The "main" of ${folder} names "${main}", which is not a file there.`)
  if ((await realpath(path)) !== path) {
    throw new TroupeError(
      'PLUGIN_MANIFEST',
      `The "main" of ${folder} names "${main}", which is a symbolic link; use a file.`,
    )
  }
  return path
}

function assertInside(home: string, path: string, main: string): void {
  const inside = relative(home, path)
  if (inside && !isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`)) return
  throw new TroupeError('PLUGIN_MANIFEST', `The "main" of ${home} names "${main}", which is outside of the plugin.`)
}

async function existing(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined)
  return facts?.isFile() ? path : undefined
}
