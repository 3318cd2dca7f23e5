/** Which installed versions of plugins sessions use that are not over, at work here or left by an earlier host. */
import { parseProgress } from '../core/runner/stored-progress.ts'
import { getProgress } from '../core/store/progress.ts'
import { liveSessions } from '../core/store/sessions.ts'
import type { Store } from '../core/store/store.ts'

type InUse = ReadonlyMap<string, readonly string[]>

/** @param here those at work, of which nothing may be stored yet */
export async function pluginsInUse(store: Store, here: InUse): Promise<InUse> {
  const all = new Map([...here].map(([key, sessions]) => [key, new Set(sessions)]))
  await store.read(async (tx) => {
    for (const { id } of await liveSessions(tx)) {
      const { plugin } = parseProgress(await getProgress(tx, id))
      if (plugin !== undefined) all.set(plugin, (all.get(plugin) ?? new Set()).add(id))
    }
  })
  return new Map([...all].map(([key, sessions]) => [key, [...sessions]]))
}
