/** Finds the program of a request before anything is spawned, so that what is missing is named. */
import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { fail } from '../base/errors.ts'

export interface ProgramRequest {
  readonly program: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * The absolute path of the program: by PATH of the request's own environment, or against its cwd if it has a slash.
 * Relative entries of PATH are passed over: they would run what lies in the worktree.
 * @throws TroupeError PROCESS_START, naming what is missing: cwd, program, right to run it, or its interpreter.
 */
export async function findProgram(request: ProgramRequest): Promise<string> {
  await assertFolder(request)
  const file = await findFile(request.program, request)
  const interpreter = await readInterpreter(file)
  if (interpreter !== undefined) await assertInterpreter(file, interpreter, request)
  return file
}

/** The first of the folders that holds `name` as something that can be run. */
export async function searchPath(name: string, path: string): Promise<string | undefined> {
  const folders = path.split(':').filter((entry) => isAbsolute(entry))
  const files = folders.map((folder) => join(folder, name))
  // Side by side: one after the other they would take a turn of the thread pool each.
  const states = await Promise.all(files.map(toRunnable))
  return files[states.indexOf('runnable')]
}

async function assertFolder({ program, cwd }: ProgramRequest): Promise<void> {
  const found = isAbsolute(cwd) ? await stat(cwd).catch(() => undefined) : undefined
  if (found?.isDirectory()) return
  fail('PROCESS_START', `${program} was not started: its working folder ${cwd} is not an existing folder.`)
}

async function findFile(program: string, { cwd, env }: ProgramRequest): Promise<string> {
  if (program === '') fail('PROCESS_START', 'No program was named; give its name or its path.')
  if (!program.includes('/')) return (await searchPath(program, env['PATH'] ?? '')) ?? failMissing(program, env)
  const file = resolve(cwd, program)
  const state = await toRunnable(file)
  if (state === 'missing') fail('PROCESS_START', `${program} was not started: there is no file ${file}.`)
  if (state === 'refused') fail('PROCESS_START', `${program} was not started: ${file} is not an executable file.`)
  return file
}

const failMissing = (program: string, env: Readonly<Record<string, string>>): never =>
  fail(
    'PROCESS_START',
    `${program} was not started: there is no such program in PATH${env['PATH'] ? '' : ', which is not set'}. Install it, or give its full path.`,
  )

async function toRunnable(file: string): Promise<'runnable' | 'refused' | 'missing'> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) return 'missing'
  if (!found.isFile()) return 'refused'
  return access(file, constants.X_OK).then(
    () => 'runnable' as const,
    () => 'refused' as const,
  )
}

/** The words after `#!`, if the file is a script that can be read. */
async function readInterpreter(file: string): Promise<readonly [string, string?] | undefined> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  await using _ = handle
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
  const match = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(buffer.toString('latin1', 0, bytesRead))
  return match ? [match[1]!, match[2]!.trim() || undefined] : undefined
}

async function assertInterpreter(
  file: string,
  [interpreter, argument]: readonly [string, string?],
  { cwd, env }: ProgramRequest,
): Promise<void> {
  const missing = (name: string) =>
    fail('PROCESS_START', `${file} was not started: its interpreter ${JSON.stringify(name)} is not there. Install it.`)
  if ((await toRunnable(resolve(cwd, interpreter))) !== 'runnable') missing(interpreter)
  const byName = basename(interpreter) === 'env' && argument !== undefined && /^[^-/=\s][^/=\s]*$/.test(argument)
  if (byName && (await searchPath(argument, env['PATH'] ?? '')) === undefined) missing(argument)
}
