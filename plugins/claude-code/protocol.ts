/** The lines that go into Claude Code. A malformed one would end it, so they are made only here. Pure. */
import type { JsonObject } from 'troupe/plugin'

/** @param id Of `toLineId`: Claude Code reports the message's fate under it, and ignores an id that it has seen before. */
export const userLine = (id: string, content: string): string =>
  toLine({
    type: 'user',
    uuid: id,
    message: { role: 'user', content: content.toWellFormed() },
    parent_tool_use_id: null,
  })

export type PermissionAnswer =
  | {
      readonly behavior: 'allow'
      /** Without it Claude Code takes the input that it asked about. */
      readonly updatedInput?: JsonObject
      readonly updatedPermissions?: readonly JsonObject[]
    }
  | { readonly behavior: 'deny'; readonly message: string }

export const permissionLine = (requestId: string, answer: PermissionAnswer): string =>
  toLine({ type: 'control_response', response: { subtype: 'success', request_id: requestId, response: answer } })

/** Tells Claude Code that nobody can answer; it goes on without. */
export const refusalLine = (requestId: string, error: string): string =>
  toLine({ type: 'control_response', response: { subtype: 'error', request_id: requestId, error } })

export const interruptLine = (): string => control('troupe-interrupt', 'interrupt')

/** Ends the program after it has stored the conversation. */
export const endLine = (): string => control('troupe-end', 'end_session')

const control = (id: string, subtype: string): string =>
  toLine({ type: 'control_request', request_id: id, request: { subtype } })

const toLine = (value: object): string => `${JSON.stringify(value)}\n`
