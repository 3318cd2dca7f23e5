/** The lines that go into Codex. Each request has an id that says what it is, so that its answer is known after a crash. Pure. */
import type { Json, JsonObject, Session } from 'troupe/plugin'
import { toThreadSettings } from './modes.ts'
import { UNWANTED } from './notifications.ts'

export const GREET = 'greet'
export const ACCOUNT = 'account'
export const OPEN = 'open'
export const SAY = 'say/'
export const ECHO = 'echo/'
export const CLEAN = 'clean'
const INTERRUPT = 'interrupt'

/** Names a request of Codex. */
export type RequestId = string | number

export const greetLine = (): string =>
  request(GREET, 'initialize', {
    clientInfo: { name: 'troupe', title: 'Troupe', version: '1' },
    capabilities: { experimentalApi: true, optOutNotificationMethods: [...UNWANTED] },
  })

/** Codex was greeted; asks who is signed in. */
export const accountLine = (): string => toLine({ method: 'initialized' }) + request(ACCOUNT, 'account/read', {})

export function openLine({ resume, workDir, model, permissionMode }: Session): string {
  const settings = { cwd: workDir, ...(model !== undefined && { model }), ...toThreadSettings(permissionMode) }
  return resume
    ? request(OPEN, 'thread/resume', { threadId: resume.agentSessionId, excludeTurns: true, ...settings })
    : request(OPEN, 'thread/start', settings)
}

export interface Saying {
  /** Comes back when Codex has taken it up. */
  readonly id: string
  readonly text: string
  readonly settings: JsonObject
}

/** Begins a turn, or adds to the one that runs. */
export const sayLine = (threadId: string, { id, text, settings }: Saying): string =>
  request(SAY + id, 'turn/start', {
    threadId,
    clientUserMessageId: id,
    input: [{ type: 'text', text: text.toWellFormed(), text_elements: [] }],
    ...settings,
  })

/** Codex serves the requests of one conversation in their order: when this is answered, all before it were. */
export const echoLine = (threadId: string, id: string): string => request(ECHO + id, 'thread/read', { threadId })

export const interruptLine = (threadId: string, turnId: string): string =>
  request(INTERRUPT, 'turn/interrupt', { threadId, turnId })

/** Ends the commands that an interrupted turn left running. */
export const cleanLine = (threadId: string): string => request(CLEAN, 'thread/backgroundTerminals/clean', { threadId })

export const answerLine = (id: RequestId, result: Json): string => toLine({ id, result })

/** Tells Codex that nobody can answer; it goes on without. */
export const refusalLine = (id: RequestId, message: string): string => toLine({ id, error: { code: -32601, message } })

const request = (id: string, method: string, params: JsonObject): string => toLine({ id, method, params })

const toLine = (value: object): string => `${JSON.stringify(value)}\n`
