/** How one kind of request of Codex becomes questions to people, and their answers its own. */
import type { Ask, Json, PermissionMode } from 'troupe/plugin'
import type { ServerRequest } from './state.ts'

export type Reply =
  /** Answers the request; `remark` is what the person wants instead, and is said to Codex. */
  | { readonly kind: 'answer'; readonly result: Json; readonly remark?: string }
  /** Said to Codex, which works in this mode from then on. */
  | { readonly kind: 'say'; readonly text: string; readonly mode?: PermissionMode }

export interface Form {
  readonly toAsks: (request: ServerRequest) => Ask[]
  /** @param answers In the order of the asks. What is no option is what the person wants instead. */
  readonly toReply: (request: ServerRequest, answers: readonly string[]) => Reply
  /** The answer that allows it, unless only a person can answer. */
  readonly toAllowance?: (request: ServerRequest) => Json | undefined
}

export const LONGEST_DETAIL = 2000

export const is = (answer: string, label: string): boolean => answer.toLowerCase() === label.toLowerCase()
