/**
 * A host with few descriptors (`ulimit -n`) for tests: uses them all up while a process runs, then has them back. Prints
 * what it heard of the process meanwhile and after.
 */
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeProcessSandbox } from '../../core/sandbox/process-sandbox.ts'
import type { SpawnRequest } from '../../core/sandbox/types.ts'

const request: SpawnRequest = JSON.parse(process.argv[2]!)
const sandbox = makeProcessSandbox({ clock: systemClock, logger: silentLogger })
const running = await sandbox.spawn(request)
const stopped = await sandbox.spawn({ ...request, folder: `${request.folder}-stopped` })

const used: number[] = []
try {
  for (;;) used.push(openSync('/dev/null', 'r'))
} catch {
  // None is left.
}
const refused = await sandbox
  .spawn({ ...request, folder: `${request.folder}-refused` })
  .catch((error: unknown) => error)
const written = running.write('go\n')
const stopping = stopped.stop(0)
setTimeout(() => used.forEach((descriptor) => closeSync(descriptor)), 700)

let stdout = ''
for await (const { bytes } of running.output()) stdout += Buffer.from(bytes).toString()
await written
const [exit, end] = await Promise.all([running.exited, stopping])
process.stdout.write(JSON.stringify({ refused: String(refused), stdout, exit, end }))
await sandbox[Symbol.asyncDispose]()
