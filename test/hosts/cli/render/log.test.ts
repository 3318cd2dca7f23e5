import { describe, expect, it } from 'vitest'
import type { Message, MessageBody } from '../../../../core/contract/messages.ts'
import { makeLogRenderer } from '../../../../hosts/cli/render/log.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'
import { displayWidth } from '../../../../hosts/cli/render/width.ts'

const ESC = String.fromCodePoint(0x1b)
const piped = makeStyle({}, {})
const terminal = makeStyle({ isTTY: true, columns: 60 }, { NO_COLOR: '1' })

/** Numbers and times messages one second apart. */
const toMessages = (bodies: readonly MessageBody[]): Message[] =>
  bodies.map((body, at) => ({ sessionId: 's', seq: at + 1, at: new Date(at * 1000).toISOString(), ...body }))

function render(bodies: readonly MessageBody[], style = piped): string[] {
  const renderer = makeLogRenderer(style, () => 'troupe task answer 1a2b3c4d "<answer>"')
  return [...toMessages(bodies).flatMap((message) => renderer.lines(message)), ...renderer.finish()]
}

const use = (toolUseId: string, command: string): MessageBody => ({
  type: 'toolUse',
  toolUseId,
  toolName: 'Bash',
  kind: 'command',
  input: { command },
})
type ToolOutput = Extract<MessageBody, { type: 'toolResult' }>['output']
const result = (toolUseId: string, output: ToolOutput, success = true): MessageBody => ({
  type: 'toolResult',
  toolUseId,
  toolName: 'Bash',
  output,
  success,
})

describe('a tool call', () => {
  it('is one line with its outcome and how long it took', () => {
    expect(render([use('1', 'npm test'), result('1', 'all fine')])).toEqual(['● Run npm test  ✓ 1.0s'])
  })

  it('is its question alone when asking was all that it did', () => {
    const ask: MessageBody = { type: 'toolUse', toolUseId: '1', toolName: 'AskUserQuestion', kind: 'other', input: {} }
    const question: MessageBody = { type: 'userQuestion', questionId: 'q', kind: 'question', question: 'Which?' }
    const answer: MessageBody = { type: 'userAnswer', questionId: 'q', answer: 'This', by: 'local' }
    const shown = render([ask, question, answer, result('1', 'This')]).join('\n')
    expect(shown).toContain('Which?')
    expect(shown).not.toContain('AskUserQuestion')
    const permission: MessageBody = { ...question, kind: 'permission' }
    expect(render([use('1', 'npm test'), permission, answer, result('1', 'ok')]).join('\n')).toContain('Run npm test')
  })

  it('shows the exit code and the end of the output when it failed', () => {
    const output = ['Exit code 2', ...Array.from({ length: 30 }, (_, at) => `line ${at}`)].join('\n')
    const lines = render([use('1', 'make'), result('1', output, false)])
    expect(lines[0]).toBe('● Run make  ✗ exit 2 1.0s')
    expect(lines.slice(1, 3)).toEqual(['  │ … 23 lines before', '  │ line 22'])
    expect(lines).toHaveLength(10)
  })

  it('has no tail when it tells only how it ended', () => {
    const ended = (output: ToolOutput) => render([use('1', 'make'), result('1', output, false)])
    expect(ended({ code: 4 })).toEqual(['● Run make  ✗ exit 4 1.0s'])
    expect(ended({ code: null, signal: 'SIGTERM' })).toEqual(['● Run make  ✗ SIGTERM 1.0s'])
    expect(ended({ code: 4, stderr: 'no rule' })).toEqual(['● Run make  ✗ exit 4 1.0s', '  │ no rule'])
  })

  it('is matched with its own result when several are at work', () => {
    expect(render([use('1', 'a'), use('2', 'b'), result('2', ''), result('1', '')])).toEqual([
      '● Run b  ✓ 1.0s',
      '● Run a  ✓ 3.0s',
    ])
  })

  it('is shown without a result when the session ends before it', () => {
    expect(render([use('1', 'sleep 1000')])).toEqual(['● Run sleep 1000  (no result yet)'])
    const ended = render([use('1', 'x'), { type: 'error', message: 'It died.', code: 'AGENT_EXITED' }])
    expect(ended).toEqual(['● Run x  (no result yet)', '', '✗ It died.', '  AGENT_EXITED'])
  })

  it('is shown too when only its result came', () => {
    expect(render([result('9', 'x')])).toEqual(['● Bash'])
  })

  it('names a file as it is called in the worktree, and how many lines changed', () => {
    const edit: MessageBody = {
      type: 'toolUse',
      toolUseId: '1',
      toolName: 'Edit',
      kind: 'edit',
      input: { file_path: '/w/t/src/a.ts', old_string: 'a\nb\nc', new_string: 'a\nB\nB2\nc' },
    }
    const start: MessageBody = { type: 'start', agent: 'claude-code', workDir: '/w/t' }
    expect(render([start, edit, result('1', 'ok')])).toEqual(['● Edit src/a.ts  +2 −1'])
  })

  it('shows the first line of a script', () => {
    expect(render([use('1', '\nset -e\nmake\n'), result('1', '')])).toEqual(['● Run set -e …  ✓ 1.0s'])
  })

  it('fits the terminal', () => {
    const lines = render([use('1', 'x'.repeat(300)), result('1', 'y'.repeat(300), false)], terminal)
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(60)
  })
})

describe('the text of an agent', () => {
  it('is wrapped for a terminal and left alone in a pipe', () => {
    const content = 'word '.repeat(40).trim()
    expect(render([{ type: 'text', content }])).toEqual(['', content])
    const lines = render([{ type: 'text', content }], terminal)
    expect(lines.length).toBeGreaterThan(3)
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(60)
  })

  it('cannot give orders to the terminal', () => {
    const content = `${ESC}[2J${ESC}]0;title\u0007a${ESC}[31mb\u009b1mc\u0008\u202ed\u0000${ESC}]52;c;aGk=${ESC}\\`
    expect(render([{ type: 'text', content }])).toEqual(['', 'abcd'])
    const everywhere: MessageBody[] = [
      { type: 'thinking', content },
      { type: 'userMessage', content },
      { type: 'userAnswer', questionId: 'q', answer: content, by: 'x' },
      { type: 'raw', stream: content, content },
      { type: 'error', message: content, resetsAt: content },
      { type: 'complete', success: true, summary: content, durationMs: 1 },
      { type: 'start', agent: content, agentVersion: content, model: content, workDir: content },
      { type: 'toolUse', toolUseId: '1', toolName: content, kind: 'other', input: { name: content } },
      { type: 'toolResult', toolUseId: '1', toolName: content, output: content, success: false },
      {
        type: 'userQuestion',
        questionId: 'q',
        kind: 'question',
        question: content,
        options: [{ label: content, description: content }],
      },
    ]
    const shown = render(everywhere)
    expect(shown.filter((line) => /[\p{Cc}\u202e]/u.test(line))).toEqual([])
    expect(shown.join('\n')).toContain('abcd')
  })

  it('is bounded on a terminal, and whole where somebody reads from a pipe', () => {
    const long: MessageBody = { type: 'text', content: 'x\n'.repeat(5000) }
    const lines = render([long], terminal)
    expect(lines.at(-1)).toBe('… 4800 more lines')
    expect(lines.length).toBeLessThan(210)
    expect(render([long]).filter((line) => line === 'x')).toHaveLength(5000)
  })

  it('says so when the log holds only its beginning', () => {
    const [message] = toMessages([{ type: 'text', content: 'the beginning' }])
    if (!message) throw new Error('no message')
    const lines = makeLogRenderer(piped).lines({ ...message, fullBytes: 1_200_000 })
    expect(lines).toEqual(['', 'the beginning', '… the beginning of 1.2M bytes'])
  })
})

describe('the end of a session', () => {
  it('tells how long it took and what it cost', () => {
    const usage = { inputTokens: 12_345, outputTokens: 900 }
    expect(render([{ type: 'complete', success: true, usage, costUsd: 0.1234, durationMs: 72_000 }])).toEqual([
      '',
      '✓ Finished · 1m 12s · 12.3k tokens in, 900 out · $0.12',
    ])
  })

  it('does not repeat the last words of the agent as its summary', () => {
    const done = (summary: string): MessageBody => ({ type: 'complete', success: true, summary, durationMs: 0 })
    expect(
      render([{ type: 'text', content: 'All done.' }, done('All done.')]).filter((line) => line === 'All done.'),
    ).toHaveLength(1)
    expect(render([{ type: 'text', content: 'All done.' }, done('More.')])).toContain('More.')
  })
})

describe('a question', () => {
  it('is set apart, with its options and the command that answers it', () => {
    const options = [{ label: 'JSON', description: 'one document' }, { label: 'Text' }]
    const lines = render([
      { type: 'userQuestion', questionId: 'q', kind: 'question', question: 'Which?', options, multiple: true },
    ])
    expect(lines).toEqual([
      '',
      '┌ Question',
      '│ Which?',
      '│   1. JSON: one document',
      '│   2. Text',
      '│ (several may be chosen)',
      '│ answer: troupe task answer 1a2b3c4d "<answer>"',
      '└',
    ])
  })
})

describe('what the agent does now', () => {
  it('is the newest tool that works, or thinking, or waiting for a person', () => {
    const renderer = makeLogRenderer(piped)
    const bodies: MessageBody[] = [
      use('1', 'npm test'),
      { type: 'text', content: 'x' },
      result('1', ''),
      { type: 'userQuestion', questionId: 'q', kind: 'question', question: '?' },
    ]
    const seen = toMessages(bodies).map((message) => {
      renderer.lines(message)
      return renderer.activity()
    })
    expect(seen).toEqual(['Run npm test', 'Run npm test', 'thinking', 'waiting for an answer'])
  })
})
