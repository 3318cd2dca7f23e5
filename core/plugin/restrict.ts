/**
 * Takes away what Node's permission model leaves to a plugin in a process of its own: signals to other processes (the host among
 * them, where one would open a debugger), their priorities, reports and traces on the disk, and flags of the engine. Who may use
 * the network could else speak to programs on this machine by socket files, which start what they are told to, and make such files.
 *
 * Built-in modules are objects that exist once, so what is deleted from one is gone for whoever comes to it by whatever way.
 */
import { syncBuiltinESMExports } from 'node:module'
import type { Socket } from 'node:net'
import { constants } from 'node:os'

const GONE: Readonly<Record<string, readonly string[]>> = {
  'node:os': ['setPriority'],
  'node:v8': ['setFlagsFromString', 'setHeapSnapshotNearHeapLimit', 'writeHeapSnapshot', 'startupSnapshot'],
  'node:trace_events': ['createTracing'],
  'node:inspector': ['open', 'Session', 'url'],
  // Not there at all with the flag that the process is started with.
  'node:sqlite': ['DatabaseSync', 'StatementSync', 'backup'],
}

const GONE_FROM_PROCESS = [
  'kill',
  '_kill',
  '_debugProcess',
  '_debugEnd',
  'report',
  'execve',
  'binding',
  '_linkedBinding',
  'dlopen',
]

/** Of every pipe, whatever opens it. Nothing that is open needs them. */
const GONE_FROM_PIPES = ['bind', 'connect', 'listen', 'fchmod']

/**
 * Call it before any code of the plugin is loaded.
 * @param pipe One that is open.
 */
export function restrictProcess(pipe: Socket): void {
  for (const [module, names] of Object.entries(GONE)) {
    const builtin: object | undefined = process.getBuiltinModule(module)
    if (builtin) for (const name of names) Reflect.deleteProperty(builtin, name)
  }
  for (const name of GONE_FROM_PROCESS) Reflect.deleteProperty(process, name)
  const pipes: object = Object.getPrototypeOf(Reflect.get(pipe, '_handle'))
  for (const name of GONE_FROM_PIPES) Reflect.set(pipes, name, () => -constants.errno.EACCES)
  syncBuiltinESMExports()
}
