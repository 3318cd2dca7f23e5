/** The steps of a start: the folder, the wrapper, and the program itself, which runs or has failed to. */
import { existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { fail } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { makeNewFile, makeProcessFolder, moveProcessFolder, type ProcessFolder } from './process-folder.ts'
import type { RunningProcess } from './running-process.ts'
import { type Launched, type Spawner, StartFailure } from './spawner.ts'
import type { SpawnRequest } from './types.ts'
import { isWrapperComplaint } from './wrapper.ts'

/** On a machine under load the start may take long; then it is not waited for any longer. */
const CONFIRM_BOUND_MS = 10_000
/** For so long it is looked at in each turn of the event loop: most starts take a millisecond or two, and the agent waits. */
const EACH_TURN_MS = 4
const LAST_PAUSE_MS = 10
/** `env` and shells say with these that they could not run a program. */
const NOT_RUN = new Set([null, 125, 126, 127])

/**
 * A folder with the files of a process to be started.
 * @throws TroupeError PROCESS_START when it cannot be made or was used before
 */
export function prepareFolder({ folder: path, madeAhead, stdin }: SpawnRequest): ProcessFolder {
  const moved = madeAhead === undefined ? undefined : moveProcessFolder(madeAhead, path)
  const folder = moved ?? makeProcessFolder(path)
  if (typeof stdin === 'object') makeNewFile(folder.content, stdin.content)
  return folder
}

/** @throws whatever the system says against it */
export async function launch(
  request: SpawnRequest,
  program: string,
  folder: ProcessFolder,
  spawner: Spawner,
): Promise<Launched> {
  const { args, env, cwd } = request
  const stdin = typeof request.stdin === 'object' ? 'content' : request.stdin
  return spawner.start({ folder, program, args, env, cwd, stdin }).catch(async (error: unknown) => {
    const complaint = error instanceof StartFailure ? await readStart(folder.err) : ''
    throw complaint === '' ? error : new Error(complaint)
  })
}

/**
 * Settles when the program runs or has ended.
 * @throws TroupeError PROCESS_START with what only the system could find out: a file for another processor, a missing loader.
 */
export async function confirm(launched: Launched, running: RunningProcess, folder: ProcessFolder): Promise<void> {
  await waitUntilRunning(launched, running)
  if (!running.ended || !NOT_RUN.has((await running.exited).code)) return
  const complaint = await readStart(folder.err)
  if (isWrapperComplaint(complaint, launched.tools)) fail('PROCESS_START', complaint)
}

async function readStart(file: string): Promise<string> {
  await using handle = await open(file, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
  return buffer.toString('utf8', 0, bytesRead).trim()
}

/** Without /proc it settles at once. */
async function waitUntilRunning({ pid, steps }: Launched, running: RunningProcess): Promise<void> {
  if (!existsSync(`/proc/${process.pid}/task/${process.pid}/children`)) return
  const begin = performance.now()
  for (let waited = 0; !running.ended && waited < CONFIRM_BOUND_MS; waited = performance.now() - begin) {
    const line = readChildLine(pid)
    const atStep = line === '' || steps.some((step) => line.startsWith(step))
    if (!atStep) return
    await (waited < EACH_TURN_MS ? setImmediate() : sleep(Math.min(waited / 4, LAST_PAUSE_MS)))
  }
}

/** The command line of the wrapper's child; empty when there is none at this moment. */
function readChildLine(pid: number): string {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return child ? readFileSync(`/proc/${child}/cmdline`, 'utf8') : ''
  } catch {
    return ''
  }
}
