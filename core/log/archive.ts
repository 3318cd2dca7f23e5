/** The archives of logs that left the database: one file for each session, in one folder. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TroupeError } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { getMessageBody, lastSeq as lastSeqOf, listBodies, readMessages } from '../store/messages.ts'
import type { Store } from '../store/store.ts'
import {
  type ArchiveContent,
  type Block,
  type Blocks,
  type Lines,
  PARTIAL,
  readMember,
  writeArchive,
} from './archive-file.ts'
import type { LogEntry, LogPage, MessagePlace } from './types.ts'

const PAGE = { limit: 500, maxBytes: 1024 * 1024 }

export interface Archive {
  /**
   * Writes the log of a session from the database, and reads it back; gives where in the file what is.
   * @throws TroupeError LOG_ARCHIVE, STORE_..., or the reason of the signal
   */
  write(store: Store, sessionId: string, signal: AbortSignal): Promise<{ blocks: Blocks; lastSeq: number }>
  /** @throws TroupeError LOG_ARCHIVE */
  page(blocks: Blocks, page: LogPage): Promise<LogEntry[]>
  /** JSON text of the whole body of a message. @throws TroupeError LOG_ARCHIVE */
  body(blocks: Blocks, place: MessagePlace): Promise<string | undefined>
  remove(sessionId: string): Promise<void>
  /** Removes what a crash left half written. */
  clean(): Promise<void>
}

export function openArchive(folder: string): Archive {
  const fileOf = (sessionId: string): string => join(folder, `${sessionId}.ndjson.gz`)

  async function lines(sessionId: string, block: Block): Promise<string[]> {
    const file = fileOf(sessionId)
    try {
      return await readMember(file, block)
    } catch (cause) {
      throw unreadable(file, cause)
    }
  }

  async function page(blocks: Blocks, { sessionId, after, limit }: LogPage): Promise<LogEntry[]> {
    const block = blockWith(blocks.messages, after + 1)
    if (!block) return []
    const [first] = block
    const entries = (await lines(sessionId, block)).map((json, index) => ({ seq: first + index, json }))
    return entries.filter(({ seq }) => seq > after).slice(0, limit)
  }

  async function write(sessionId: string, content: ArchiveContent): Promise<Blocks> {
    const file = fileOf(sessionId)
    try {
      return await writeArchive(file, content)
    } catch (cause) {
      throw cause instanceof TroupeError ? cause : unwritable(file, cause)
    }
  }

  /** Holds what was written against what can be read: after this the rows go. */
  async function verify(sessionId: string, blocks: Blocks, lastSeq: number): Promise<void> {
    let read = 0
    for (const block of blocks.messages) read += (await lines(sessionId, block)).length
    for (const block of blocks.bodies) await lines(sessionId, block)
    if (read === lastSeq) return
    throw new TroupeError(
      'LOG_ARCHIVE',
      `${fileOf(sessionId)} has ${read} of ${lastSeq} messages; nothing was deleted.`,
    )
  }

  return {
    async write(store, sessionId, signal) {
      const messages = messagesOf(store, sessionId, signal)
      const blocks = await write(sessionId, { messages, bodies: bodiesOf(store, sessionId, signal) })
      const lastSeq = await store.read((tx) => lastSeqOf(tx, sessionId))
      await verify(sessionId, blocks, lastSeq)
      return { blocks, lastSeq }
    },
    page,
    async body(blocks, { sessionId, seq }) {
      const whole = blocks.bodies.find(([of]) => of === seq)
      if (whole) return wholeBody((await lines(sessionId, whole))[0] ?? '{}')
      const [entry] = await page(blocks, { sessionId, after: seq - 1, limit: 1 })
      return entry && withoutHead(entry.json)
    },
    remove: (sessionId) => rm(fileOf(sessionId), { force: true }),
    async clean() {
      const names = await readdir(folder).catch(() => [])
      for (const name of names) if (name.endsWith(PARTIAL)) await rm(join(folder, name), { force: true })
    },
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

function unreadable(file: string, cause: unknown): TroupeError {
  const text = `A log was archived to ${file}, which cannot be read: ${reasonOf(cause)}. Put the file back from a copy.`
  return new TroupeError('LOG_ARCHIVE', text, { file }, cause)
}

function unwritable(file: string, cause: unknown): TroupeError {
  const text = `The archive ${file} cannot be written: ${reasonOf(cause)}. The log stays in the database; make room, or mend the folder.`
  return new TroupeError('LOG_ARCHIVE', text, { file }, cause)
}

async function* messagesOf(store: Store, sessionId: string, signal: AbortSignal): AsyncGenerator<Lines> {
  for (let after = 0; ;) {
    signal.throwIfAborted()
    const entries = await store.read((tx) => readMessages(tx, { sessionId, after, ...PAGE }))
    const [first, last] = [entries[0], entries.at(-1)]
    if (!first || !last) return
    yield { seq: first.seq, lines: entries.map(({ json }) => json) }
    after = last.seq
  }
}

async function* bodiesOf(store: Store, sessionId: string, signal: AbortSignal): AsyncGenerator<Lines> {
  for (let after = 0; ;) {
    const seqs = await store.read((tx) => listBodies(tx, { sessionId, after, limit: PAGE.limit }))
    for (const seq of seqs) {
      signal.throwIfAborted()
      const body = await store.read((tx) => getMessageBody(tx, { sessionId, seq }))
      if (body !== undefined) yield { seq, lines: [`{"sessionId":"${sessionId}","seq":${seq},"body":${body}}`] }
    }
    const last = seqs.at(-1)
    if (last === undefined) return
    after = last
  }
}

/** The last block that begins at or before a sequence number. */
function blockWith(blocks: readonly Block[], seq: number): Block | undefined {
  let [low, high] = [0, blocks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((blocks[middle]?.[0] ?? Infinity) <= seq) low = middle + 1
    else high = middle
  }
  return blocks[low - 1]
}

function wholeBody(line: string): string {
  const { body }: { body?: Json } = JSON.parse(line)
  return JSON.stringify(body)
}

function withoutHead(json: string): string {
  const { sessionId: _s, seq: _q, at: _a, ...body }: Record<string, Json> = JSON.parse(json)
  return JSON.stringify(body)
}
