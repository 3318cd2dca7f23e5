/** What recorded output of the real Aider becomes, and how its end is judged. */
import { readFileSync } from 'node:fs'
import { assert, constantFrom, jsonValue, nat, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { toEnd } from '../../../plugins/aider/end.ts'
import { answerFor } from '../../../plugins/aider/modes.ts'
import { parseLine } from '../../../plugins/aider/parse.ts'
import { toAnswer, toPrompt } from '../../../plugins/aider/question.ts'
import { type ParsedEvent, type ParseState, beginState } from '../../../plugins/aider/state.ts'

const NAMES = { title: 'Aider', program: 'aider', install: 'Install it.' }

/** What each recording says, and how it ends. */
const STORIES = {
  work: ['start text ask withdraw toolUse toolResult ask withdraw text ask withdraw', 'complete'],
  denied: ['start text ask withdraw text', 'complete'],
  'not-signed-in': ['start', 'AGENT_NOT_SIGNED_IN'],
  'unknown-conversation': ['', 'AGENT_FAILED'],
} as const

const linesOf = (name: string): string[] =>
  readFileSync(new URL(`../../../fixtures/agents/aider/${name}.ndjson`, import.meta.url), 'utf8').split('\n')

function parseAll(lines: readonly string[]): { readonly state: ParseState; readonly events: readonly ParsedEvent[] } {
  let state = beginState('aider', '/home/user/project', 'conversation')
  const events = lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
  return { state, events }
}

const tell = (event: ParsedEvent): string[] => {
  if (event.kind !== 'message') return [event.kind]
  return event.message.type === 'raw' ? [] : [event.message.type]
}

describe('a recorded turn of Aider', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, [story, ending]) => {
    const { state, events } = parseAll(linesOf(name))
    expect(events.flatMap(tell).join(' ')).toBe(story)
    const end = toEnd(state, { exit: { code: 0 }, at: 0 }, NAMES)
    expect(end.kind === 'error' ? end.code : end.kind).toBe(ending)
  })
})

describe('a used-up quota', () => {
  it.each([
    ['RateLimitError', 'Rate limit reached. Please try again in 1m20s.', '1970-01-01T00:01:20.000Z'],
    ['RateLimitError', 'Slow down.', undefined],
    ['BadRequestError', 'OpenAIException - Insufficient Balance', undefined],
  ])('says when it is full again, if the service did: %s, %s', (name, words, resetsAt) => {
    const asking = JSON.stringify({ report: { event: 'message_send_starting' } })
    const { state } = parseAll([JSON.stringify({ text: `litellm.${name}: ${words}` }), asking])
    const end = toEnd(state, { exit: { code: 0 }, at: 0 }, NAMES)
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', retryable: true, message: expect.stringContaining(words) })
    expect(end.kind === 'error' && end.resetsAt).toBe(resetsAt)
  })
})

describe('a line that the bridge has never printed', () => {
  it.each(['not JSON at all', '[1,2]', '{"hologram":1}', '{"prompt":1}', '{"report":{"no":"event"}}'])(
    'is kept as it is: %s',
    (line) => {
      const raw = { kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } }
      expect(parseLine(beginState('aider', '/', ''), line).events).toEqual([raw])
    },
  )

  it('never makes the parser fail or say something that the contract does not allow', () => {
    const keys = constantFrom('text', 'question', 'prompt', 'withdrawn', 'report', 'event', 'missing')
    assert(
      property(keys, jsonValue(), string(), nat(), (key, value, text, number) => {
        const lines = [{ [key]: value, text }, { prompt: number, question: text, text }, { report: { event: value } }]
        for (const event of parseAll(lines.map((line) => JSON.stringify(line))).events) {
          if (event.kind === 'message') messageBody.parse(event.message)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a question of Aider', () => {
  it('reaches a person as its permission mode says, and never opens a browser', () => {
    const modes = ['ask', 'accept_edits', 'plan', 'full'] as const
    const answers = (question: string) => modes.map((mode) => answerFor(mode, question) ?? 'person')
    expect(answers('Create new file?')).toEqual(['person', 'y', 'n', 'y'])
    expect(answers('Run shell command?')).toEqual(['person', 'person', 'n', 'y'])
    expect(answers('Add file to the chat?')).toEqual(['person', 'y', 'y', 'y'])
    expect(answers('Open URL for more info?')).toEqual(['n', 'n', 'n', 'n'])
  })

  it('that is answered with other words is denied, and the words are said', () => {
    const prompt = toPrompt(1, 'Create new file? (Y)es/(N)o/(A)ll/(S)kip all [Yes]: ', 'a.txt')
    expect(prompt).toMatchObject({ question: 'Create new file?', subject: 'a.txt', all: true })
    expect(toAnswer(prompt, 'yes')).toEqual({ letter: 'y' })
    expect(toAnswer(prompt, 'Yes to all')).toEqual({ letter: 'a' })
    expect(toAnswer(prompt, 'Use b.txt')).toEqual({ letter: 'n', remark: 'Use b.txt' })
  })
})
