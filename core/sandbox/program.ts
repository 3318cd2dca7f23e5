/**
 * Finds the program of a request before anything is spawned, so that what is missing is named.
 *
 * By synchronous calls: about twenty looks of some microseconds each, where an agent would wait for as many turns of the
 * thread pool.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync, type Stats } from 'node:fs'
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
export function findProgram(request: ProgramRequest): string {
  assertFolder(request)
  const file = findFile(request.program, request)
  const interpreter = readInterpreter(file)
  if (interpreter !== undefined) assertInterpreter(file, interpreter, request)
  return file
}

/** The first of the folders that holds `name` as something that can be run. */
export function searchPath(name: string, path: string): string | undefined {
  const folders = path.split(':').filter((entry) => isAbsolute(entry))
  return folders.map((folder) => join(folder, name)).find((file) => toRunnable(file) === 'runnable')
}

function assertFolder({ program, cwd }: ProgramRequest): void {
  const found = isAbsolute(cwd) ? statOf(cwd) : undefined
  if (found?.isDirectory()) return
  fail('PROCESS_START', `${program} was not started: its working folder ${cwd} is not an existing folder.`)
}

function findFile(program: string, { cwd, env }: ProgramRequest): string {
  if (program === '') fail('PROCESS_START', 'No program was named; give its name or its path.')
  if (!program.includes('/')) return searchPath(program, env['PATH'] ?? '') ?? failMissing(program, env)
  const file = resolve(cwd, program)
  const state = toRunnable(file)
  if (state === 'missing') fail('PROCESS_START', `${program} was not started: there is no file ${file}.`)
  if (state === 'refused') fail('PROCESS_START', `${program} was not started: ${file} is not an executable file.`)
  return file
}

const failMissing = (program: string, env: Readonly<Record<string, string>>): never =>
  fail(
    'PROCESS_START',
    `${program} was not started: there is no such program in PATH${env['PATH'] ? '' : ', which is not set'}.`,
  )

function toRunnable(file: string): 'runnable' | 'refused' | 'missing' {
  const found = statOf(file)
  if (found === undefined) return 'missing'
  if (!found.isFile()) return 'refused'
  try {
    accessSync(file, constants.X_OK)
    return 'runnable'
  } catch {
    return 'refused'
  }
}

/** Nothing when the path cannot be looked at. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** The words after `#!`, if the file is a script that can be read. */
function readInterpreter(file: string): readonly [string, string?] | undefined {
  const match = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(readStart(file))
  return match ? [match[1]!, match[2]!.trim() || undefined] : undefined
}

/** Empty when it cannot be read: such a program may run all the same. */
function readStart(file: string): string {
  try {
    const descriptor = openSync(file, 'r')
    using _closing = { [Symbol.dispose]: () => closeSync(descriptor) }
    const bytes = Buffer.alloc(256)
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } catch {
    return ''
  }
}

function assertInterpreter(
  file: string,
  [interpreter, argument]: readonly [string, string?],
  { cwd, env }: ProgramRequest,
): void {
  const missing = (name: string) =>
    fail('PROCESS_START', `${file} was not started: its interpreter ${JSON.stringify(name)} is not there. Install it.`)
  if (toRunnable(resolve(cwd, interpreter)) !== 'runnable') missing(interpreter)
  const byName = basename(interpreter) === 'env' && argument !== undefined && /^[^-/=\s][^/=\s]*$/.test(argument)
  if (byName && searchPath(argument, env['PATH'] ?? '') === undefined) missing(argument)
}
