/** How long a host takes to serve. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../core/base/waiting.ts'
import { connectUnixHttp } from '../../../core/rpc/client-node/unix.ts'
import { makeClient } from '../../../core/rpc/client/index.ts'
import type { Troupe } from '../../helpers/troupe.ts'
import { readAddress } from './host.ts'

const BOUND_MS = 60_000
const LOOK_MS = 5

/** Starts a host and gives the milliseconds until its first answer. The helper is connected to it afterwards. */
export async function untilServing(troupe: Troupe): Promise<number> {
  // What the host before has left there is not its.
  rmSync(join(troupe.home, 'host.json'), { force: true })
  const begin = performance.now()
  const started = troupe.start()
  started.catch(() => {})
  while (!(await answers(troupe))) {
    if (performance.now() - begin > BOUND_MS) throw new Error('The host does not serve.')
    await sleep(LOOK_MS)
  }
  const ms = performance.now() - begin
  await started
  return ms
}

async function answers(troupe: Troupe): Promise<boolean> {
  try {
    const connection = connectUnixHttp(readAddress(troupe).socket)
    await makeClient(connection).call('listUnitTasks', { limit: 1 })
    await connection[Symbol.asyncDispose]()
    return true
  } catch {
    return false
  }
}
