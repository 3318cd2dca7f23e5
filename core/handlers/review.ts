/** Looking at what a task did, and saying what to change. */
import { fail } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/ids.ts'
import type { ReviewComment } from '../contract/records.ts'
import { loadPlace } from '../engine/places.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { insertComment, listComments, resolveComments } from '../store/comments.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask } from './find.ts'

function describe(comment: ReviewComment): string {
  const { file, startLine, endLine, side, text } = comment
  const lines = startLine === endLine ? `line ${startLine}` : `lines ${startLine}-${endLine}`
  return `- ${file}, ${lines}${side === 'old' ? ' of the version before your change' : ''}: ${text}`
}

/** What the agent is told. @throws TroupeError INVALID_PARAMS when there is nothing to say. */
function changesPrompt(prompt: string | undefined, comments: readonly ReviewComment[]): string {
  const noted = comments.length > 0 ? [`Comments on your work:\n${comments.map(describe).join('\n')}`] : []
  const parts = [...(prompt === undefined ? [] : [prompt]), ...noted]
  if (parts.length === 0) fail('INVALID_PARAMS', 'Say what to change: give a prompt, or add review comments first.')
  return parts.join('\n\n')
}

const isText = (bytes: Uint8Array): boolean => !bytes.subarray(0, 8000).includes(0)

export function reviewHandlers(deps: HandlerDeps) {
  const { store, engine, workspace } = deps
  return {
    async getTaskDiff({ id }) {
      await findTask(store, id)
      return { diff: await workspace.diff(await loadPlace(store, id)) }
    },
    async getTaskFile({ id, path, side }) {
      await findTask(store, id)
      const bytes = await workspace.file(await loadPlace(store, id), path, side)
      const encoding = isText(bytes) ? 'utf8' : 'base64'
      return { content: Buffer.from(bytes).toString(encoding), encoding, bytes: bytes.length }
    },
    async addReviewComment({ id, startLine, endLine = startLine, ...rest }) {
      await findTask(store, id)
      if (endLine < startLine) fail('INVALID_PARAMS', `endLine ${endLine} comes before startLine ${startLine}.`)
      const comment = { id: newId(), unitTaskId: id, startLine, endLine, resolved: false, ...rest }
      return { comment: await store.transaction((tx) => insertComment(tx, comment)) }
    },
    async listReviewComments({ id }) {
      await findTask(store, id)
      return { comments: await store.read((tx) => listComments(tx, id)) }
    },
    async requestChanges({ id, prompt, includeComments }) {
      await findTask(store, id)
      const all = includeComments ? await store.read((tx) => listComments(tx, id)) : []
      const open = all.filter((comment) => !comment.resolved)
      await engine.command(id, { type: 'changes', prompt: changesPrompt(prompt, open) })
      faultPoint('handlers.changes-taken')
      const sent = open.map((comment) => comment.id)
      if (sent.length > 0) await store.transaction((tx) => resolveComments(tx, sent))
      return { task: await findTask(store, id) }
    },
  } satisfies Partial<Handlers>
}
