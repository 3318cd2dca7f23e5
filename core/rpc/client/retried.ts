/** Work that is begun again when its connection was lost under it. */
import { TroupeError } from '../../base/errors.ts'
import type { Client } from './client.ts'

/** Pause before the work is begun again, milliseconds. */
export const RETRY_MS = 100

/**
 * As `work`, but false when it was lost with its connection and another one may come.
 * @throws whatever else `work` throws.
 */
export async function retried(client: Client, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work()
  } catch (error) {
    const lost = error instanceof TroupeError && error.code === 'HOST_UNREACHABLE'
    if (!lost || client.connection.closed.aborted) throw error
    return false
  }
}
