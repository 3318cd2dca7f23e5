/**
 * A host of its own for tests: spawns the request in its first argument, says so, and waits to be killed. With a request
 * in its second argument it stops its spawner first, so that this one is still under way.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeProcessSandbox } from '../../core/sandbox/process-sandbox.ts'
import { procTable } from '../../core/sandbox/process-table.ts'
import type { SpawnRequest } from '../../core/sandbox/types.ts'

const [first, second] = process.argv.slice(2).map((text): SpawnRequest => JSON.parse(text))
const sandbox = makeProcessSandbox({ clock: systemClock, logger: silentLogger })
const running = await sandbox.spawn(first!)
const spawner = (await procTable.scan()).find(({ pid }) => pid === running.pid)!.ppid
if (second) {
  process.kill(spawner, 'SIGSTOP')
  sandbox.spawn(second).catch(() => {})
  while (!existsSync(join(second.folder, 'exit'))) await sleep(10)
  await sleep(500) // the order follows at once; were it later still, nothing would be tested, and nothing fail
}
process.stdout.write(`${spawner}\n`)
await running.exited
