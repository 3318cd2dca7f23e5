/** Sessions whose task is done, with a log of a given length; and an archive in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { TaskStatus } from '../../core/contract/statuses.ts'
import { type Archive, openArchive } from '../../core/log/archive.ts'
import { openRetention, type Retention, type RetentionPolicy } from '../../core/log/retention.ts'
import { insertMessageBody, insertMessages } from '../../core/store/messages.ts'
import { updateSession } from '../../core/store/sessions.ts'
import type { Store } from '../../core/store/store.ts'
import { updateTask } from '../../core/store/tasks.ts'
import type { Sample } from '../store/sample.ts'

export const at = '2026-11-22T10:00:00.000Z'

export interface ArchiveFolder extends AsyncDisposable {
  readonly path: string
  readonly archive: Archive
  fileOf(sessionId: string): string
}

export async function openArchiveFolder(): Promise<ArchiveFolder> {
  const path = await mkdtemp(join(tmpdir(), 'troupe-test-archive-'))
  return {
    path,
    archive: openArchive(path),
    fileOf: (sessionId) => join(path, `${sessionId}.ndjson.gz`),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Archives at once what is done, unless the policy says something else. */
export const retentionOf = (store: Store, archive: Archive, policy: Partial<RetentionPolicy> = {}): Retention =>
  openRetention({
    store,
    archive,
    // A minute later, so that what was done just now has rested.
    clock: { ...systemClock, now: () => Date.now() + 60_000 },
    logger: silentLogger,
    policy: () => ({ mode: 'archive', afterMs: 1, maxBytes: 0, ...policy }),
  })

/** Each message says its number. */
export async function fill(store: Store, sessionId: string, first: number, last: number): Promise<void> {
  for (let from = first; from <= last; from += 5000) {
    const seqs = Array.from({ length: Math.min(5000, last - from + 1) }, (_, index) => from + index)
    const body = (seq: number) => `{"type":"text","content":"message number ${seq} ${'.'.repeat(100)}"}`
    const rows = seqs.map((seq) => ({ sessionId, seq, type: 'text' as const, at, body: body(seq) }))
    await store.transaction((tx) => insertMessages(tx, rows))
  }
}

/** A message with its whole body beside it. */
export async function addLarge(store: Store, sessionId: string, seq: number): Promise<string> {
  const body = JSON.stringify({ type: 'text', content: `whole ${'x'.repeat(70_000)}` })
  const preview = { sessionId, seq, type: 'text' as const, at, body: '{"type":"text","content":"wh"}' }
  await store.transaction(async (tx) => {
    await insertMessages(tx, [{ ...preview, fullBytes: body.length }])
    await insertMessageBody(tx, { sessionId, seq, body })
  })
  return body
}

/** A session with messages 1 to `last`, of a task of this status. */
export async function addFinished(sample: Sample, last: number, status: TaskStatus = 'done'): Promise<string> {
  const task = await sample.addTask()
  const { id } = await sample.addSession(task)
  await fill(sample.store, id, 1, last)
  await finish(sample.store, { sessionId: id, taskId: task.id, status })
  return id
}

export const finish = (
  store: Store,
  { sessionId, taskId, status }: { sessionId: string; taskId: string; status: TaskStatus },
): Promise<unknown> =>
  store.transaction(async (tx) => {
    await updateSession(tx, sessionId, { status: 'completed', outcome: 'completed', endedAt: at })
    await updateTask(tx, taskId, { status })
  })
