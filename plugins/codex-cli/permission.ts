/** Requests that are allowed or denied. Pure. */
import { type Ask, type Json, type JsonObject, asArray, asObject, asString, bounded } from 'troupe/plugin'
import { type Form, LONGEST_DETAIL, is } from './form.ts'
import type { ServerRequest } from './state.ts'

export const ALLOW = 'Allow'
export const ALLOW_SESSION = 'Allow for this session'
export const DENY = 'Deny'

type ToJson = (request: ServerRequest) => Json

export interface Decisions {
  /** What it is about, for people. */
  readonly describe: (request: ServerRequest) => string
  readonly once: ToJson
  /** Undefined when it can only be allowed once. */
  readonly session: (request: ServerRequest) => Json | undefined
  readonly deny: ToJson
}

export function permission({ describe, once, session, deny }: Decisions): Form {
  return {
    toAllowance: once,
    toAsks: (request) => [toAsk(request, describe(request), session(request) !== undefined)],
    toReply: (request, [given = '']) => {
      const answer = given.trim()
      const lasting = is(answer, ALLOW_SESSION) ? session(request) : undefined
      if (lasting !== undefined) return { kind: 'answer', result: lasting }
      if (is(answer, ALLOW)) return { kind: 'answer', result: once(request) }
      const remark = answer !== '' && !is(answer, DENY) && { remark: answer }
      return { kind: 'answer', result: deny(request), ...remark }
    },
  }
}

function toAsk({ params }: ServerRequest, what: string, lasting: boolean): Ask {
  const reason = asString(params['reason'])
  const why = reason === undefined ? '' : `\n${bounded(reason, LONGEST_DETAIL)}`
  const options = [
    { label: ALLOW },
    ...(lasting ? [{ label: ALLOW_SESSION }] : []),
    { label: DENY, description: 'Or answer with what to do instead' },
  ]
  return { kind: 'permission', question: `${bounded(what, LONGEST_DETAIL)}${why}`, options }
}

const ACCEPT_SESSION = 'acceptForSession'
const decide = (decision: string): Json => ({ decision })

/** Codex offers also to allow such commands for good; that would be written into the user's own rules. */
export const commandPermission = permission({
  describe: ({ params, subject }) => {
    const host = asString(asObject(params['networkApprovalContext'])?.['host'])
    const command = asString(params['command']) ?? subject
    return host === undefined ? `Codex wants to run:\n${command}` : `Codex wants to reach ${host}:\n${command}`
  },
  once: () => decide('accept'),
  session: ({ params }) =>
    asArray(params['availableDecisions']).includes(ACCEPT_SESSION) ? decide(ACCEPT_SESSION) : undefined,
  deny: () => decide('decline'),
})

export const filePermission = permission({
  describe: ({ subject }) => `Codex wants to change files:\n${subject}`,
  once: () => decide('accept'),
  session: () => decide(ACCEPT_SESSION),
  deny: () => decide('decline'),
})

/** Codex wants more than its sandbox allows. */
export const sandboxPermission = permission({
  describe: ({ params }) => `Codex wants more permissions:\n${JSON.stringify(wanted(params))}`,
  once: ({ params }) => ({ permissions: wanted(params), scope: 'turn' }),
  session: ({ params }) => ({ permissions: wanted(params), scope: 'session' }),
  deny: () => ({ permissions: {}, scope: 'turn' }),
})

/** What is asked for, without what is not. */
const wanted = (params: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(asObject(params['permissions']) ?? {}).filter(([, value]) => value !== null))
