/** What holds for every session, whatever its program does. Pure. */
import type { MessageBody } from '../contract/messages.ts'
import type { CheckedSession } from './checked-session.ts'
import { WORDS } from './programs.ts'

/** A session that shows nothing, and the point that says why. */
export interface Flaw {
  readonly kind: 'faults' | 'messages' | 'ends' | 'idle'
  readonly reason: string
}

type Facts = Pick<CheckedSession, 'scene' | 'outcome' | 'messages'>

export function findFlaw({ outcome }: Facts): Flaw | undefined {
  if (outcome === undefined || outcome.kind === 'endless') {
    return { kind: 'ends', reason: 'the session went on after its program had ended' }
  }
  if (outcome.kind === 'idle') return { kind: 'idle', reason: 'it starts no program' }
  const { end } = outcome
  if (end.kind === 'interrupted') return { kind: 'faults', reason: end.error.message }
  if (end.kind !== 'error') return undefined
  if (end.code === 'PLUGIN_MESSAGE') return { kind: 'messages', reason: end.message }
  return end.code.startsWith('PLUGIN_') ? { kind: 'faults', reason: end.message } : undefined
}

/** What is wrong with the place of `start`, if anything. */
export function findStartFlaw({ messages }: Facts): string | undefined {
  const starts = messages.flatMap(({ type }, index) => (type === 'start' ? [index] : []))
  if (starts.length > 1) return `start comes ${starts.length} times`
  const first = messages.findIndex(({ type }) => !BEFORE_START.includes(type))
  const before = messages[first]
  return before && starts[0] !== undefined && first < starts[0] ? `${before.type} comes before start` : undefined
}

/** What may be said of a program that has not said who it is. */
const BEFORE_START: readonly MessageBody['type'][] = ['raw', 'error', 'start']

/** What is wrong with the tools, if anything. */
export function findToolFlaw({ messages }: Facts): string | undefined {
  const open = new Map<string, string>()
  for (const message of messages) {
    if (message.type === 'toolUse') open.set(message.toolUseId, message.toolName)
    if (message.type !== 'toolResult') continue
    if (!open.delete(message.toolUseId)) return `a result of ${quoted(message.toolName)} has no use before it`
  }
  const [name] = open.values()
  return name === undefined ? undefined : `the use of ${quoted(name)} has no result`
}

/** What is wrong with the words that it ends with, if anything. */
export function findClosingFlaw({ outcome, scene }: Facts): string | undefined {
  if (outcome?.kind !== 'ended' || outcome.end.kind !== 'error') return undefined
  const { message } = outcome.end
  if (message.trim().length < 10) return `the message of its error says nothing: ${JSON.stringify(message)}`
  const litter = /\bundefined\b|\[object \w+\]|\bNaN\b|\n\s+at /.exec(message)?.[0]
  if (litter !== undefined) return `the message of its error holds ${JSON.stringify(litter.trim())}`
  if (scene !== 'failing' || message.includes(WORDS) || /\b3\b/.test(message)) return undefined
  return `the program printed its reason and exited with code 3, and the error has neither: ${JSON.stringify(message)}`
}

const quoted = (text: string): string => JSON.stringify(text)

/** The first flaw that one of the sessions has, with its scene. */
export function firstFlaw(
  sessions: readonly CheckedSession[],
  find: (session: CheckedSession) => string | undefined,
): string | undefined {
  for (const session of sessions) {
    const flaw = find(session)
    if (flaw !== undefined) return `in the scene "${session.scene}": ${flaw}`
  }
  return undefined
}
