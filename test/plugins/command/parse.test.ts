import { describe, expect, test } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { parseMessage } from '../../../plugins/command/parse.ts'

const parse = (text: string) => parseMessage({ stream: 'stdout', text })

const usage = { type: 'usage', inputTokens: 1, outputTokens: 2, costUsd: 0.5 }

describe('a line that is one of Troupe’s messages is taken as it is:', () => {
  test.for([
    { type: 'start', agent: 'mine', workDir: '/', agentSessionId: '1' },
    { type: 'text', content: 'hello' },
    { type: 'thinking', content: 'hm' },
    { type: 'toolUse', toolUseId: '1', toolName: 'edit', input: { a: [null] }, kind: 'edit' },
    { type: 'toolResult', toolUseId: '1', toolName: 'edit', output: null, success: true },
    usage,
    { type: 'error', message: 'oops', retryable: true },
    { type: 'raw', stream: 'x', content: 'y' },
  ])('$type', (message) => {
    const parsed = parse(JSON.stringify(message))
    expect(parsed).toEqual(message)
    expect(messageBody.safeParse(parsed).success).toBe(true)
  })
})

describe('a line is plain output when it is', () => {
  test.for([
    ['text', 'hello'],
    ['JSON of another kind', '{"type":"log","content":"x"}'],
    ['JSON but no object', '["text"]'],
    ['not whole', '{"type":"text","content":'],
    ['a message without a field that it needs', '{"type":"text"}'],
    ['a message with a field of the wrong type', '{"type":"text","content":1}'],
    ['a number that JSON cannot hold', '{"type":"usage","inputTokens":1e999,"outputTokens":1}'],
    ['a message that only the host may write', '{"type":"complete","success":true,"durationMs":1}'],
    ['an error with a code, which is not its to give', '{"type":"error","message":"x","code":"AGENT_QUOTA"}'],
    [
      'nested without end',
      `{"type":"toolResult","toolUseId":"1","toolName":"x","success":true,"output":${'['.repeat(9000)}${']'.repeat(9000)}}`,
    ],
    ['a name of every object', '{"type":"constructor"}'],
  ])('%s', ([, line = '']) => {
    expect(parse(line)).toBeUndefined()
  })

  test('on stderr', () => {
    expect(parseMessage({ stream: 'stderr', text: '{"type":"text","content":"x"}' })).toBeUndefined()
  })
})
