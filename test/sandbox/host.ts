/** A host of its own for tests: spawns the request in its argument, says so, and waits to be killed. */
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeProcessSandbox } from '../../core/sandbox/process-sandbox.ts'
import type { SpawnRequest } from '../../core/sandbox/types.ts'

const request: SpawnRequest = JSON.parse(process.argv[2]!)
const running = await makeProcessSandbox({ clock: systemClock, logger: silentLogger }).spawn(request)
process.stdout.write(`${running.pid}\n`)
await running.exited
