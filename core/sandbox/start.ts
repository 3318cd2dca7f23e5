/** Starts the wrapper and waits until the program itself runs, or has failed to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { fail } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { KILLED, toProcessExit } from './exit-code.ts'
import { openNewFile, type ProcessFolder } from './process-folder.ts'
import { searchPath } from './program.ts'
import type { ProcessExit, SpawnRequest } from './types.ts'
import { toWrapperCommand, type WrapperCommand, type WrapperTools } from './wrapper.ts'

/** On a machine under load the start may take long; then it is not waited for any longer. */
const CONFIRM_BOUND_MS = 10_000
const LAST_PAUSE_MS = 10

export interface Started {
  /** Of the wrapper. */
  readonly pid: number
  readonly command: WrapperCommand
  /** Settles when the wrapper has ended, with what it says of the program. */
  readonly ended: Promise<ProcessExit>
}

/** @throws TroupeError PROCESS_START when this system lacks a program that every POSIX system has. */
export async function findTools(): Promise<WrapperTools> {
  const path = `/usr/bin:/bin:${process.env['PATH'] ?? ''}`
  const find = async (name: string) =>
    (await searchPath(name, path)) ??
    fail('PROCESS_START', `The program ${name} is missing on this system. Install it.`)
  return { env: await find('env'), mkfifo: await find('mkfifo') }
}

/**
 * One spawn, no more: its cost grows with the memory of the host (17 ms at 300 MB), all of it on the event loop. A small
 * process that spawns for the host could stand here.
 * @throws whatever the system says against it
 */
export async function startWrapper(
  request: SpawnRequest,
  program: string,
  folder: ProcessFolder,
  tools: WrapperTools,
): Promise<Started> {
  const { stdin, args, env, cwd } = request
  const fifo = stdin === 'live' ? folder.in : undefined
  const command = toWrapperCommand({ folder: folder.path, program, args, env, ...(fifo && { fifo }) }, tools)
  await using files = new AsyncDisposableStack()
  const openOutput = async (path: string) => files.use(await openNewFile(path)).fd
  const openInput = async (content: string) => {
    await writeFile(files.use(await openNewFile(folder.in)), content)
    return files.use(await open(folder.in, 'r')).fd
  }
  const input = typeof stdin === 'object' ? await openInput(stdin.content) : 'ignore'
  const [out, err, exit] = [await openOutput(folder.out), await openOutput(folder.err), await openOutput(folder.exit)]
  // The order is that of the script; `detached` makes a session and group of its own.
  const stdio = [input, out, 'ignore', exit, err] as const
  const child = spawn(command.file, [...command.args], { cwd, env: command.env, stdio: [...stdio], detached: true })
  const ended = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code) => resolve(code === null ? KILLED : toProcessExit(code)))
  })
  await once(child, 'spawn')
  return { pid: child.pid!, command, ended }
}

/** Settles when the program runs, when all has ended already, or (without /proc) at once. */
export async function waitUntilRunning({ pid, command }: Started, ended: AbortSignal): Promise<void> {
  if (!existsSync(`/proc/${process.pid}/task/${process.pid}/children`)) return
  const deadline = performance.now() + CONFIRM_BOUND_MS
  for (let pause = 1; !ended.aborted && performance.now() < deadline; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
    const line = readChildLine(pid)
    const atStep = line === '' || command.steps.some((step) => line.startsWith(step))
    if (!atStep) return
    await sleep(pause, ended).catch(() => {})
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
