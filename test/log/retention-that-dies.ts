/**
 * A program that archives what may be archived, and kills itself on the way: at each start one place further, before or
 * after a transaction or while a file is being written. The file `places` beside the database counts.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { openArchive } from '../../core/log/archive.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { Store } from '../../core/store/store.ts'
import { deps } from '../store/sample.ts'
import { retentionOf } from './finished-sessions.ts'
import { intercept } from './opened-log.ts'

const [file = '', folder = ''] = process.argv.slice(2)
const places = `${file}.places`
const seen = new Set(existsSync(places) ? readFileSync(places, 'utf8').split('\n') : [])
const counts = { before: 0, after: 0, written: 0 }

function reach(kind: keyof typeof counts): void {
  const place = `${kind} ${(counts[kind] += 1)}`
  // A file is written page by page: a few places there tell as much as all.
  if (seen.has(place) || (kind === 'written' && counts.written % 3 !== 0)) return
  writeFileSync(places, [...seen, place].join('\n'))
  process.kill(process.pid, 'SIGKILL')
}

const opened = await openStore({ driver: 'sqlite', file }, deps)
const { store } = intercept(opened, () => reach('before'))
const dying: Store = {
  ...store,
  async transaction(work) {
    const result = await store.transaction(work)
    reach('after')
    return result
  },
}
const archive = openArchive(folder)
const slow = {
  ...archive,
  write: (from: Store, sessionId: string, signal: AbortSignal) =>
    archive.write(
      {
        ...from,
        // Each page that is read is in the file a moment later.
        async read(work) {
          reach('written')
          return from.read(work)
        },
      },
      sessionId,
      signal,
    ),
}
const keepAlive = setInterval(() => {}, 1000)
await retentionOf(dying, slow).run()
clearInterval(keepAlive)
await opened[Symbol.asyncDispose]()
process.exit()
