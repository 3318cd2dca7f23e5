/** What is stored of the requests that are owed an answer. It is written anew with each step of the session, so it is little. */
import { bounded } from 'troupe/plugin'
import { toAsks } from './question.ts'
import type { AgentRequest, PermissionRequest } from './state.ts'

/** In characters. Far more than what is shown at a time. */
const MOST_STORED = 1024 * 1024

interface Stored {
  readonly request: PermissionRequest
  readonly characters: number
}

/** Made once for each request: what is stored is asked for with every line. */
const known = new WeakMap<PermissionRequest, Stored>()

/** @param requests oldest first: of those that people do not see yet, only the names may be left. */
export function toStored(requests: readonly AgentRequest[]): AgentRequest[] {
  let left = MOST_STORED
  return requests.map((request) => {
    if (request.kind !== 'permission') return request
    const stored = known.get(request) ?? shorten(request)
    known.set(request, stored)
    if (stored.characters > left) return nameOf(request)
    left -= stored.characters
    return stored.request
  })
}

/** Claude Code has the input, and allows what it asked for without it. Only to its questions the answer needs them. */
function shorten(request: PermissionRequest): Stored {
  const short = request.toolName === 'AskUserQuestion' ? request : { ...request, input: {}, asks: toAsks(request) }
  return { request: short, characters: JSON.stringify(short).length }
}

const nameOf = ({ kind, requestId, toolName }: PermissionRequest): PermissionRequest => ({
  kind,
  requestId,
  toolName: bounded(toolName, 200),
  input: {},
  suggestions: [],
})
