/**
 * Calls to the API of a hosting service.
 *
 * What it answers is not trusted: it is bounded in time and size and checked by a schema, and no redirect is followed,
 * because it would take the token along. The token is in no message.
 */
import { z } from 'zod'
import { fail, TroupeError } from '../base/errors.ts'

export interface ApiAccess {
  /** How people call the service. */
  readonly service: string
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly token: string
  /** The variable that holds the token, for messages. */
  readonly tokenName: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for one call. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface ApiCall {
  readonly method: 'GET' | 'POST'
  /** Below the base address, with a slash at its beginning. */
  readonly path: string
  readonly body?: unknown
}

export interface ApiAnswer {
  readonly status: number
  readonly body: unknown
  /** What the service says of a refusal, fit for a message. */
  readonly words: string
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_WORDS = 300

/**
 * @returns An answer whose status is one of success or of those in `accept`.
 * @throws TroupeError UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT (it refused for another reason), HOST_UNREACHABLE
 * (it cannot be reached, or answers with what cannot be used), TIMEOUT, ABORTED.
 */
export async function callApi(access: ApiAccess, call: ApiCall, accept: readonly number[] = []): Promise<ApiAnswer> {
  const bounded = AbortSignal.any([AbortSignal.timeout(access.timeoutMs), ...(access.signal ? [access.signal] : [])])
  try {
    const response = await send(access, call, bounded)
    const text = await readBounded(access, response)
    const body = parse(text)
    const answer = { status: response.status, body, words: wordsOf(access, body) }
    return response.ok || accept.includes(answer.status) ? answer : refused(access, answer)
  } catch (error) {
    throw error instanceof TroupeError ? error : unreachable(access, error)
  }
}

const send = ({ baseUrl, token, headers }: ApiAccess, { method, path, body }: ApiCall, signal: AbortSignal) =>
  fetch(`${baseUrl}${path}`, {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'troupe',
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // Not followed, and told apart from a network that fails: a project that was renamed answers so.
    redirect: 'manual',
    signal,
  })

async function readBounded({ service, baseUrl }: ApiAccess, response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES) {
      fail('HOST_UNREACHABLE', `${service} at ${baseUrl} answers with more than ${MAX_ANSWER_BYTES} bytes.`)
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws TroupeError HOST_UNREACHABLE when the body is not what the API documents. */
export function checked<Schema extends z.ZodType>(
  { service, baseUrl }: ApiAccess,
  schema: Schema,
  { body }: ApiAnswer,
): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  return fail('HOST_UNREACHABLE', `${baseUrl} does not answer as the API of ${service} does. Check the address.`)
}

function refused({ service, baseUrl, tokenName }: ApiAccess, { status, words }: ApiAnswer): never {
  const said = words === '' ? '' : ` It says: ${words}`
  if (status === 401) fail('UNAUTHENTICATED', `${service} does not accept the token in ${tokenName}. Renew it.${said}`)
  if (status === 403) {
    fail('FORBIDDEN', `${service} does not let the token in ${tokenName} do this. Give it write access.${said}`)
  }
  if (status === 404) {
    fail(
      'NOT_FOUND',
      `${service} knows no such project, or the token in ${tokenName} may not see it. Check the remote and the token.${said}`,
    )
  }
  if (status >= 300 && status < 400) {
    fail('HOST_UNREACHABLE', `${service} says that this is somewhere else now. Set the address of the remote anew.`)
  }
  if (status >= 500) fail('HOST_UNREACHABLE', `${service} at ${baseUrl} has trouble (${status}). Try again.${said}`)
  return fail('CONFLICT', `${service} refused (${status}).${said}`, { status })
}

function unreachable({ service, baseUrl, timeoutMs, signal }: ApiAccess, error: unknown): TroupeError {
  if (signal?.aborted) {
    return signal.reason instanceof TroupeError ? signal.reason : new TroupeError('ABORTED', 'The call was given up.')
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new TroupeError('TIMEOUT', `${service} at ${baseUrl} did not answer within ${timeoutMs} ms. Try again.`)
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  const why = cause && 'code' in cause ? ` (${String(cause.code)})` : ''
  return new TroupeError('HOST_UNREACHABLE', `${service} at ${baseUrl} cannot be reached${why}. Check the network.`)
}

/** GitHub: `message` and `errors`; GitLab: `message`, a text, a list or an object, or `error`. */
function wordsOf({ token }: ApiAccess, body: unknown): string {
  const { message, error, errors } = refusal.safeParse(body).data ?? {}
  return leaves([message, error, errors])
    .join('; ')
    .replaceAll(token, '***')
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_WORDS)
}

const refusal = z.object({ message: z.unknown(), error: z.unknown(), errors: z.unknown() }).partial()
const MAX_DEPTH = 5

/** The texts within; of an object that has a message only that. */
function leaves(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return []
  if ('message' in value && typeof value.message === 'string') return [value.message]
  const inner = Object.values(value).flatMap((one) => leaves(one, depth + 1))
  return Array.isArray(value) ? inner : [inner.join(' ')]
}
