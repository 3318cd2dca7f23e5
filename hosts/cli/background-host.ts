/** Starts `troupe up` as a process of its own that outlives this one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { TroupeError, fail } from '../../core/base/errors.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { DataDirectory, Environment } from '../data-directory.ts'
import type { HostRecord } from '../host-file.ts'
import { findRunningHost } from '../running-host.ts'

const READY_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 100

export interface BackgroundHostOptions {
  readonly dataDirectory: DataDirectory
  readonly env: Environment
  /** The script of this very program. */
  readonly entry: string
  readonly signal: AbortSignal
}

/**
 * Settles when the host answers. What it prints goes to `<data>/logs/up.log`.
 * @throws TroupeError HOST_UNREACHABLE when it ended or did not answer in time
 */
export async function startBackgroundHost(options: BackgroundHostOptions): Promise<HostRecord> {
  const { dataDirectory, signal } = options
  const log = join(dataDirectory.logs, 'up.log')
  const child = start(options, log)
  const deadline = Date.now() + READY_WITHIN_MS
  while (isAlive(child) && Date.now() < deadline) {
    const state = await findRunningHost(dataDirectory)
    if (state.kind === 'running') return state.host
    await sleep(LOOK_EVERY_MS, signal)
  }
  const how = isAlive(child)
    ? 'it does not answer'
    : `it ended with code ${child.exitCode ?? child.signalCode ?? 'none'}`
  child.kill()
  return fail('HOST_UNREACHABLE', `The background host did not start: ${how}. See ${log}.`, { log })
}

const isAlive = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid !== undefined && exitCode === null && signalCode === null

function start({ dataDirectory, env, entry }: BackgroundHostOptions, log: string): ChildProcess {
  const file = openLog(log)
  try {
    const child = spawn(process.execPath, [entry, 'up', '--home', dataDirectory.root], {
      cwd: dataDirectory.root,
      env,
      detached: true,
      stdio: ['ignore', file, file],
      windowsHide: true,
    })
    child.on('error', () => {}) // Without a pid it is not alive, which the caller sees.
    child.unref()
    return child
  } finally {
    closeSync(file)
  }
}

/** Begins anew each time: what matters is why this start failed. */
function openLog(path: string): number {
  try {
    return openSync(path, 'w', 0o600)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TroupeError('DATA_DIR_UNUSABLE', `The log ${path} cannot be written: ${reason}.`, { path }, error)
  }
}
