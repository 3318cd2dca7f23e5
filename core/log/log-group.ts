/** A group: what is written in one transaction, a part for each session. */
import { toIso } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { insertMessageBody, insertMessages, type NewMessage } from '../store/messages.ts'
import { setProgress } from '../store/progress.ts'
import type { Tx } from '../store/tx.ts'
import type { LogSession } from './log-session.ts'
import { toLogBody } from './preview.ts'
import type { LogBatch, LogDraft } from './types.ts'

/** Drafts that are worth a commit of their own. */
const LARGE_DRAFTS = 500
/** What one commit takes of many sessions, and a part more: it holds the thread meanwhile. */
const LARGE_BYTES = 256 * 1024

interface WholeBody {
  readonly sessionId: string
  readonly seq: number
  readonly body: string
}

export interface Part {
  readonly session: LogSession
  readonly messages: NewMessage[]
  /** The bodies whose message is a preview. */
  readonly wholes: WholeBody[]
  bytes: number
  progress: string | undefined
  readonly written: PromiseWithResolvers<void>
}

/** What waits to be written, by session. */
export type Group = Map<LogSession, Part>

export function isLarge(group: Group): boolean {
  let [drafts, bytes] = [0, 0]
  for (const part of group.values()) {
    drafts += part.messages.length
    bytes += part.bytes
  }
  return drafts >= LARGE_DRAFTS || bytes >= LARGE_BYTES
}

export function partOf(group: Group, session: LogSession): Part {
  const known = group.get(session)
  if (known) return known
  const written = Promise.withResolvers<void>()
  const part = { session, messages: [], wholes: [], bytes: 0, progress: undefined, written }
  // Callers wait for it and see a failure; one that went away is no crash.
  written.promise.catch(() => {})
  group.set(session, part)
  return part
}

/** Takes parts out of a group for one commit, those that came first. */
export function takeParts(group: Group): Part[] {
  const taken: Part[] = []
  let bytes = 0
  for (const part of group.values()) {
    if (bytes >= LARGE_BYTES) break
    group.delete(part.session)
    taken.push(part)
    bytes += part.bytes
  }
  return taken
}

/**
 * The drafts of a batch that were not accepted before; nothing when there is nothing to write.
 * @throws TroupeError LOG_GAP
 */
export function freshDrafts(session: LogSession, batch: LogBatch): readonly LogDraft[] | undefined {
  const expected = session.offered + 1
  if (batch.firstSeq > expected) {
    const text = `Session ${session.id} was given message ${batch.firstSeq}, but ${expected} comes next. Send again from ${expected}.`
    fail('LOG_GAP', text, { expected })
  }
  const fresh = batch.drafts.slice(expected - batch.firstSeq)
  if (fresh.length > 0) return fresh
  const onlyProgress = batch.drafts.length === 0 && batch.firstSeq === expected && batch.progress !== undefined
  return onlyProgress ? fresh : undefined
}

/** Numbers fresh drafts and adds them to their part. */
export function addToPart(
  part: Part,
  { batch, fresh }: { readonly batch: LogBatch; readonly fresh: readonly LogDraft[] },
): void {
  const { session } = part
  const at = toIso(batch.at)
  // Nothing is accepted before all of it is known to be good.
  const bodies = fresh.map(({ json }) => toLogBody(json))
  for (const [index, { type, json }] of fresh.entries()) {
    const place = { sessionId: session.id, seq: (session.offered += 1) }
    const body = bodies[index] ?? { body: json }
    part.messages.push({ ...place, type, at, ...body })
    if (body.fullBytes !== undefined) part.wholes.push({ ...place, body: json })
    part.bytes += json.length
  }
  part.progress = batch.progress ?? part.progress
}

export async function writeParts(tx: Tx, parts: readonly Part[]): Promise<void> {
  const messages = parts.flatMap((part) => part.messages)
  await insertMessages(tx, messages)
  for (const part of parts) {
    await tx.announce('log', part.session.id)
    for (const whole of part.wholes) await insertMessageBody(tx, whole)
    if (part.progress !== undefined) await setProgress(tx, { sessionId: part.session.id, progress: part.progress })
  }
}
