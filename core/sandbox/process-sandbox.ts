/** The sandbox of kind `process`: programs run as the user of the host, without isolation. */
import { open, realpath } from 'node:fs/promises'
import { fail, TroupeError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createProcessFolder, type ProcessFolder, readRecord, toProcessFolder, writeRecord } from './process-folder.ts'
import { openProcessTable, type ProcessIdentity } from './process-table.ts'
import { findProgram } from './program.ts'
import { type ProcessLimits, type ProcessServices, RunningProcess } from './running-process.ts'
import { findTools, type Started, startWrapper, waitUntilRunning } from './start.ts'
import type { Sandbox, SandboxProcess, SpawnRequest } from './types.ts'
import { isWrapperComplaint, type WrapperTools } from './wrapper.ts'

const DEFAULT_LIMITS: ProcessLimits = { outputBytes: 2 * 1024 ** 3, inputStallMs: 60_000 }
/** `env` and shells say with these that they could not run a program. */
const NOT_RUN = new Set([null, 125, 126, 127])

export interface ProcessSandboxOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits?: Partial<ProcessLimits>
}

export interface ProcessSandbox extends Sandbox {
  /**
   * Takes up the process of a folder that an earlier host started, running or ended; its output goes on from any
   * offset. Nothing when that host died before it recorded the process: `endOrphans` finds such a one.
   */
  attach(folder: string): Promise<SandboxProcess | undefined>
}

/**
 * Runs each program in a folder of its own, where its output, its exit code and its record outlive this host.
 *
 *     await using running = await sandbox.spawn(request)
 *     for await (const { stream, bytes } of running.output()) ...
 */
export function makeProcessSandbox(options: ProcessSandboxOptions): ProcessSandbox {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const services: ProcessServices = { ...options, limits, table: openProcessTable() }
  return {
    spawn: (request) => spawnProcess(request, services),
    attach: (folder) => attachProcess(folder, services),
  }
}

async function spawnProcess(request: SpawnRequest, services: ProcessServices): Promise<SandboxProcess> {
  assertSystem()
  assertVariables(request)
  const program = await findProgram(request)
  const tools = await findTools()
  const { folder, started } = await prepare(request, program, tools).catch((error: unknown) =>
    failStart(request, error),
  )
  const wrapper = await services.table.identify(started.pid).catch(() => undefined)
  const liveInput = request.stdin === 'live'
  // One that cannot be identified is owned by its marker all the same, and ended by it below.
  const identity = wrapper ?? { pid: started.pid, startTime: 'ended at once' }
  const parts = { folder, program, liveInput, wrapper: identity, wrapperEnded: started.ended }
  const running = new RunningProcess(parts, services)
  try {
    const spawnedAt = services.clock.now()
    const recorded = writeRecord(folder, { version: 1, ...identity, program, liveInput, spawnedAt })
    await Promise.all([recorded, assertRuns({ running, started, folder, tools })])
    return running
  } catch (error) {
    await running.stop(0)
    return failStart(request, error)
  }
}

async function prepare(request: SpawnRequest, program: string, tools: WrapperTools) {
  const folder = await createProcessFolder(request.folder)
  return { folder, started: await startWrapper(request, program, folder, tools) }
}

async function attachProcess(path: string, services: ProcessServices): Promise<SandboxProcess | undefined> {
  const folder = toProcessFolder(await realpath(path).catch(() => path))
  const record = await readRecord(folder)
  if (record === undefined) return undefined
  const { program, liveInput, pid, startTime } = record
  const wrapper: ProcessIdentity = { pid, startTime }
  return new RunningProcess({ folder, program, liveInput, wrapper }, services)
}

interface Starting {
  readonly running: RunningProcess
  readonly started: Started
  readonly folder: ProcessFolder
  readonly tools: WrapperTools
}

/** What only the system could find out: a file for another processor, a missing loader, a failing `mkfifo`. */
async function assertRuns({ running, started, folder, tools }: Starting): Promise<void> {
  await waitUntilRunning(started, running.ended)
  if (!running.ended.aborted || !NOT_RUN.has((await running.exited).code)) return
  const complaint = await readStart(folder.err)
  if (isWrapperComplaint(complaint, tools)) fail('PROCESS_START', complaint.trim())
}

async function readStart(file: string): Promise<string> {
  await using handle = await open(file, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

function assertSystem(): void {
  if (process.platform !== 'win32') return
  fail('SANDBOX_UNSUPPORTED', 'Agents cannot run on Windows itself yet. Run Troupe in the Linux subsystem (WSL).')
}

function assertVariables({ program, env }: SpawnRequest): void {
  const bad = Object.keys(env).find((name) => name === '' || name.includes('='))
  if (bad === undefined) return
  fail(
    'PROCESS_START',
    `${program} was not started: ${JSON.stringify(bad)} cannot be the name of a variable. Rename it.`,
  )
}

function failStart({ program }: SpawnRequest, error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error)
  throw new TroupeError('PROCESS_START', `${program} could not be started: ${reason}`, undefined, error)
}
