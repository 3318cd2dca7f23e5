/** The requests that go into OpenCode's server. Each has an id that says what it is, so that its answer is known after a crash. Pure. */
import type { Json, JsonObject, PermissionMode, Session } from 'troupe/plugin'

export const OPEN = 'open'
export const SAY = 'say/'
const ANSWER = 'answer/'
const ABORT = 'abort/'

export const openLine = ({ resume }: Session): string =>
  resume
    ? request(OPEN, 'GET', `/session/${encodeURIComponent(resume.agentSessionId)}`)
    : request(OPEN, 'POST', '/session', {})

export interface Saying {
  readonly id: string
  readonly text: string
  readonly mode: PermissionMode
  readonly model: string | undefined
}

/** OpenCode reads no text of the repository here (see command.ts). A text does no harm by itself. */
const READ_INSTRUCTIONS =
  'Before you work in a folder of this repository, read the nearest AGENTS.md, if there is one that you have not read.'

/** Begins a turn, or is taken up by the one that runs. */
export function sayLine(sessionId: string, { id, text, mode, model }: Saying): string {
  const [providerID = '', ...rest] = model?.split('/') ?? []
  return request(SAY + id, 'POST', `/session/${sessionId}/prompt_async`, {
    parts: [{ type: 'text', text: text.toWellFormed() }],
    agent: mode === 'plan' ? 'plan' : 'build',
    system: READ_INSTRUCTIONS,
    ...(model !== undefined && { model: { providerID, modelID: rest.join('/') } }),
  })
}

/** @param id Stable: the server gets the first of those with one id. */
export const permissionLine = (id: string, reply: JsonObject): string =>
  request(ANSWER + id, 'POST', `/permission/${id}/reply`, reply)

export const questionLine = (id: string, answers: Json): string =>
  request(ANSWER + id, 'POST', `/question/${id}/reply`, { answers })

export const abortLine = (sessionId: string): string =>
  request(ABORT + crypto.randomUUID(), 'POST', `/session/${sessionId}/abort`)

const request = (id: string, method: string, path: string, body?: Json): string =>
  `${JSON.stringify({ id, method, path, ...(body !== undefined && { body }) })}\n`
