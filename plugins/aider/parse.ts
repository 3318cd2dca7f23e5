/** One line of the bridge to messages and control events. Pure: what it remembers is passed in and out. */
import { type Json, type JsonObject, asNumber, asObject, asString, parseObject } from 'troupe/plugin'
import { hasSubject, toPrompt } from './question.ts'
import { type Parsed, type ParseState, inTurn, message } from './state.ts'
import { closeCommand, parseText } from './text.ts'

/** A line that no parser places is kept as it is. */
export function parseLine(state: ParseState, line: string): Parsed {
  const heard = inTurn(state, { heard: true })
  const parsed = parseKnown(heard, parseObject(line) ?? {})
  if (parsed) return parsed
  return { state: heard, events: line.trim() === '' ? [] : [message({ type: 'raw', stream: 'stdout', content: line })] }
}

function parseKnown(state: ParseState, line: JsonObject): Parsed | undefined {
  const text = asString(line['text'])
  const number = asNumber(line['prompt'])
  const question = asString(line['question'])
  if (number !== undefined && question !== undefined) return parsePrompt(state, { number, question, text: text ?? '' })
  if (text !== undefined) return parseText(state, text)
  const withdrawn = asNumber(line['withdrawn'])
  if (withdrawn !== undefined) return withdraw(state, withdrawn)
  if (line['missing'] === true) return { state: inTurn(state, { missing: true }), events: [] }
  return parseReport(state, line['report'])
}

/** The lines after the last empty one are what it is about, if it is about something. */
function parsePrompt(
  before: ParseState,
  { number, question, text }: { readonly number: number; readonly question: string; readonly text: string },
): Parsed {
  const subject = hasSubject(question) ? (text.split(/\n\n|^\n/).at(-1) ?? '') : ''
  const words = parseText(before, text.slice(0, text.length - subject.length))
  const { state, events } = closeCommand(words.state)
  const prompt = toPrompt(number, question, subject)
  const prompts = [...state.turn.prompts, prompt]
  return { state: inTurn(state, { prompts }), events: [...words.events, ...events, { kind: 'ask', prompt }] }
}

/** Aider waits no more: it was answered, or went on without. */
function withdraw(state: ParseState, number: number): Parsed {
  const prompts = state.turn.prompts.filter((prompt) => prompt.number !== number)
  return { state: inTurn(state, { prompts }), events: [{ kind: 'withdraw', number }] }
}

/** Entries of Aider's record of itself; those that say nothing of the turn are left out. */
function parseReport(state: ParseState, report: Json | undefined): Parsed | undefined {
  const entry = asObject(report)
  const properties = asObject(entry?.['properties']) ?? {}
  switch (entry?.['event']) {
    case undefined:
      return undefined
    case 'message_send_starting':
      return { state: inTurn(state, { asking: true }), events: [] }
    case 'message_send':
      return { state: countReply(state, properties), events: [] }
    case 'message_send_exception':
      return { state: inTurn(state, { failure: asString(properties['exception']) ?? 'no reason given' }), events: [] }
    default:
      return { state, events: [] }
  }
}

function countReply(state: ParseState, properties: JsonObject): ParseState {
  const { inputTokens, outputTokens, costUsd = 0 } = state.usage
  const usage = {
    inputTokens: inputTokens + (asNumber(properties['prompt_tokens']) ?? 0),
    outputTokens: outputTokens + (asNumber(properties['completion_tokens']) ?? 0),
    costUsd: dollars(costUsd + (asNumber(properties['cost']) ?? 0)),
  }
  return { ...inTurn(state, { asking: false, replies: state.turn.replies + 1 }), usage }
}

/** Without the noise that adding binary fractions leaves. */
const dollars = (sum: number): number => Math.round(sum * 1e8) / 1e8
