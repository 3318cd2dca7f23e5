/**
 * Reads logs wherever they are. A log leaves the database from its front, after its archive is complete: so a page that
 * does not begin with the very next message is not in the database (any more), and the record of the log says where it is.
 */
import { fail } from '../base/errors.ts'
import { getMessageBody, readMessages } from '../store/messages.ts'
import { getRetiredLog, type RetiredLog } from '../store/retired-logs.ts'
import type { Store } from '../store/store.ts'
import type { Archive } from './archive.ts'
import type { Blocks } from './archive-file.ts'
import type { LogReader } from './types.ts'

export function makeLogReader(store: Store, archive: Pick<Archive, 'page' | 'body'> = NO_ARCHIVE): LogReader {
  const retiredLog = (sessionId: string): Promise<RetiredLog | undefined> =>
    store.read((tx) => getRetiredLog(tx, sessionId))

  return {
    async page(page) {
      const entries = await store.read((tx) => readMessages(tx, page))
      if (entries[0]?.seq === page.after + 1) return entries
      const retired = await retiredLog(page.sessionId)
      if (!retired || page.after >= retired.lastSeq) return entries
      return archive.page(blocksOf(retired, page.sessionId), page)
    },
    async body(place) {
      const body = await store.read((tx) => getMessageBody(tx, place))
      if (body !== undefined) return body
      const retired = await retiredLog(place.sessionId)
      if (!retired || place.seq > retired.lastSeq) return undefined
      return archive.body(blocksOf(retired, place.sessionId), place)
    },
  }
}

const noFolder = (): never =>
  fail('LOG_ARCHIVE', 'The log was archived, and this program was given no archive to read.')
const NO_ARCHIVE: Pick<Archive, 'page' | 'body'> = { page: noFolder, body: noFolder }

function blocksOf({ fate, blocks, at }: RetiredLog, sessionId: string): Blocks {
  if (fate === 'archived' && blocks !== null) return JSON.parse(blocks)
  return fail(
    'LOG_DROPPED',
    `The log of session ${sessionId} was dropped on ${at.slice(0, 10)}, because [retention] says so; its record is all that is left.`,
    { at },
  )
}
