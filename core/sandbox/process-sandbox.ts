/** The sandbox of kind `process`: programs run as the user of the host, without isolation. */
import { existsSync } from 'node:fs'
import { realpath, rm } from 'node:fs/promises'
import { fail, TroupeError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import { endProcesses } from './end-processes.ts'
import { FolderWatches } from './folder-watches.ts'
import { type ProcessFolder, readRecord, toProcessFolder, writeRecord } from './process-folder.ts'
import { openProcessTable, type ProcessIdentity, type ProcessTable } from './process-table.ts'
import { findProgram } from './program.ts'
import { type ProcessLimits, type ProcessServices, RunningProcess } from './running-process.ts'
import { isShortage } from './shortage.ts'
import { Spawner } from './spawner.ts'
import { confirm, launch, prepareFolder } from './start.ts'
import type { Sandbox, SandboxProcess, SpawnRequest } from './types.ts'

const DEFAULT_LIMITS: ProcessLimits = { outputBytes: 2 * 1024 ** 3, inputStallMs: 60_000 }

export interface ProcessSandboxOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits?: Partial<ProcessLimits>
}

/** Its disposal ends nothing but what it needs itself: processes live on. */
export interface ProcessSandbox extends Sandbox, AsyncDisposable {
  /**
   * Takes up the process of a folder that an earlier host started, running or ended; its output goes on from any
   * offset. Nothing when that host died before it recorded the process, or while it wrote to it, so that it can take no
   * more input: `endOrphans` finds such a one.
   */
  attach(folder: string): Promise<SandboxProcess | undefined>
  /** Makes ahead what `makeProcessFolder` left out of a folder, as far as the system lets it; a start does not wait for it. */
  complete(folder: string): void
}

/**
 * Runs each program in a folder of its own, where its output, its exit code and its record outlive this host.
 *
 *     await using running = await sandbox.spawn(request)
 *     for await (const { stream, bytes } of running.output()) ...
 */
export function makeProcessSandbox({ clock, logger, limits }: ProcessSandboxOptions): ProcessSandbox {
  const spawner = new Spawner()
  const services: ProcessServices = {
    logger,
    limits: { ...DEFAULT_LIMITS, ...limits },
    table: openProcessTable(),
    watches: new FolderWatches(clock),
    spawner,
  }
  return {
    spawn: (request) => spawnProcess(request, services, clock),
    attach: (folder) => attachProcess(folder, services),
    complete: (folder) => void spawner.makePipe(toProcessFolder(folder)).catch(() => {}),
    [Symbol.asyncDispose]: () => spawner[Symbol.asyncDispose](),
  }
}

async function spawnProcess(request: SpawnRequest, services: ProcessServices, clock: Clock): Promise<SandboxProcess> {
  assertSystem()
  assertPassable(request)
  const program = findProgram(request)
  const folder = tryPrepare(request)
  try {
    faultPoint('sandbox.launch-due')
    const launched = await launch(request, program, folder, services.spawner)
    faultPoint('sandbox.launched')
    const wrapper = await identify(launched.pid, services.table)
    const liveInput = request.stdin === 'live'
    const running = new RunningProcess({ folder, program, liveInput, wrapper }, services)
    writeRecord(folder, { version: 1, ...wrapper, program, liveInput, spawnedAt: clock.now() })
    faultPoint('sandbox.recorded')
    await confirm(launched, running, folder)
    return running
  } catch (error) {
    await endProcesses(services.table, { wrappers: [], marked: (marker) => marker === folder.path }, 0)
    await rm(folder.record, { force: true }) // a later host shall not take it for one that was started
    return failStart(request, error)
  }
}

function tryPrepare(request: SpawnRequest): ProcessFolder {
  try {
    return prepareFolder(request)
  } catch (error) {
    return failStart(request, error)
  }
}

/** One that has ended already is owned by its marker all the same. */
const identify = async (pid: number, table: ProcessTable): Promise<ProcessIdentity> =>
  (await table.identify(pid)) ?? { pid, startTime: 'ended at once' }

async function attachProcess(path: string, services: ProcessServices): Promise<SandboxProcess | undefined> {
  const folder = toProcessFolder(await realpath(path).catch(() => path))
  const record = await readRecord(folder)
  if (record === undefined || existsSync(folder.inPart)) return undefined
  const { program, liveInput, pid, startTime } = record
  const wrapper: ProcessIdentity = { pid, startTime }
  return new RunningProcess({ folder, program, liveInput, wrapper }, services)
}

function assertSystem(): void {
  if (process.platform !== 'win32') return
  fail('SANDBOX_UNSUPPORTED', 'Agents cannot run on Windows itself yet. Run Troupe in the Linux subsystem (WSL).')
}

/** What no system can pass to a program. */
function assertPassable({ program, args, env, cwd, folder }: SpawnRequest): void {
  const bad = Object.keys(env).find((name) => name === '' || name.includes('='))
  if (bad !== undefined)
    fail('PROCESS_START', `${program} was not started: ${JSON.stringify(bad)} cannot be a variable. Rename it.`)
  const texts = [program, cwd, folder, ...args, ...Object.entries(env).flat()]
  if (texts.some((text) => text.includes('\0')))
    fail(
      'PROCESS_START',
      `${JSON.stringify(program)} was not started: it was given a text with a zero byte. Remove it.`,
    )
}

function failStart({ program }: SpawnRequest, error: unknown): never {
  const advice = isShortage(error) ? ' Raise the limits of the host (ulimit -n), or run fewer sessions at once.' : ''
  const reason = (error instanceof Error ? error.message : String(error)) + advice
  throw new TroupeError('PROCESS_START', `${program} could not be started: ${reason}`, undefined, error)
}
