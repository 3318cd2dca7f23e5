/** What Amp's own words for a failure mean. Pure. */
import type { RunEnd } from 'troupe/plugin'
import { SIGN_IN_HINT } from './detect.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** Without a credential it prints an address to sign in at, and waits. */
export const ASKS_TO_SIGN_IN = /^No API key found/

const CREDENTIAL = /no api key|invalid (?:or missing )?(?:api key|access token)|unauthori[sz]ed|not logged in|\b401\b/i
const QUOTA = /\bcredits?\b|balance|usage limit|rate.?limit|quota|\b402\b|\b429\b/i
const SERVICE = /connect|timed? ?out|network|overloaded|unavailable|\b5\d\d\b/i

/** Undefined when the words say nothing that is known. */
export function toKnownFailure(words: string): ErrorEnd | undefined {
  if (CREDENTIAL.test(words)) return notSignedIn(words)
  if (QUOTA.test(words)) {
    return { kind: 'error', code: 'AGENT_QUOTA', message: `Amp has no quota left: ${words}`, retryable: true }
  }
  if (!SERVICE.test(words)) return undefined
  const message = `Amp's service failed: ${words} Try again in a while.`
  return { kind: 'error', code: 'AGENT_API', message, retryable: true }
}

export const notSignedIn = (words: string): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_NOT_SIGNED_IN',
  message: `Amp has no credential that works (${words}). ${SIGN_IN_HINT}`,
})

/** @param subtype `error_during_execution`, `error_max_turns`, or what a newer version may say. */
export function toFailure(subtype: string, words: string): ErrorEnd {
  const known = toKnownFailure(words)
  if (known) return known
  const next = subtype === 'error_max_turns' ? 'Ask for changes to let it go on.' : 'The log has the details.'
  return { kind: 'error', code: 'AGENT_FAILED', message: `Amp could not go on: ${words || subtype}. ${next}` }
}
