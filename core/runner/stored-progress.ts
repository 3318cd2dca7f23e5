/**
 * What is stored of a session beside its messages, in one commit with them: enough for another host, or another thread, to go
 * on with it. Pure.
 */
import type { Usage } from '../contract/messages.ts'
import type { PendingReport, SessionEnded } from '../engine/ports.ts'
import type { FollowUp } from '../plugin/contract/io.ts'
import type { Progress } from '../plugin/host-io.ts'

export interface StoredProgress extends Partial<Progress>, Partial<SessionEnded> {
  /** Accepted, and not yet acknowledged by the plugin. */
  readonly followUps?: readonly FollowUp[]
  /** What the agent has last said of its use. */
  readonly usage?: Usage
  /** The installed version of the plugin that it began with; none for those that come with Troupe. */
  readonly plugin?: string
  /** A host that went away had begun to end the processes: nobody can go on with them. */
  readonly abandoned?: true
}

/** Pure: it may be applied again, to progress that has changed otherwise meanwhile. */
export type Change = (progress: StoredProgress) => StoredProgress

/** What this program, or one before it, has written. */
export const parseProgress = (text = '{}'): StoredProgress => JSON.parse(text)

/** Where a plugin can go on; nothing when it gave no checkpoint. */
export function toContinue({ offsets, checkpoint, abandoned }: StoredProgress): Progress | undefined {
  return checkpoint === undefined || abandoned ? undefined : { offsets: offsets ?? [], checkpoint }
}

export const withProgress =
  (progress: Progress): Change =>
  (stored) => ({ ...stored, ...progress })

export const withUsage =
  (usage: Usage): Change =>
  (stored) => ({ ...stored, usage })

export const withPlugin =
  (plugin: string): Change =>
  (stored) => ({ ...stored, plugin })

export const withReport =
  (pending: PendingReport): Change =>
  (stored) => ({ ...stored, reports: [...(stored.reports ?? []), pending] })

export const withoutReport =
  (id: string): Change =>
  (stored) => ({ ...stored, reports: (stored.reports ?? []).filter((pending) => pending.id !== id) })

export const withTaken =
  (id: string): Change =>
  (stored) => ({ ...stored, taken: id })

export const withFollowUp =
  (followUp: FollowUp): Change =>
  (stored) => ({ ...stored, taken: followUp.id, followUps: [...(stored.followUps ?? []), followUp] })

export const withoutFollowUp =
  (id: string): Change =>
  (stored) => ({ ...stored, followUps: (stored.followUps ?? []).filter((followUp) => followUp.id !== id) })

/** It was logged, but came too late: delivered again it must not be taken for heard. */
export const withRefused =
  (id: string): Change =>
  (stored) => ({ ...withoutFollowUp(id)(stored), taken: undefined })

export const abandon: Change = (stored) => ({ ...stored, abandoned: true })

/** Nothing else is needed of a session that is over. */
export const withEnd =
  (ended: SessionEnded['ended']): Change =>
  ({ reports, taken }) => ({ ended, reports, taken })
