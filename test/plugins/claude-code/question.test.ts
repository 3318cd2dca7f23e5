/** Questions between Claude Code and people, without a program. */
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../../core/plugin/contract/index.ts'
import { toAnswer, toAsks } from '../../../plugins/claude-code/question.ts'
import { Questions } from '../../../plugins/claude-code/questions.ts'
import type { PermissionRequest } from '../../../plugins/claude-code/state.ts'

const nobody = () => Promise.reject(new Error('nobody is there'))

const request = (toolName: string, input: PermissionRequest['input'] = {}): PermissionRequest => ({
  kind: 'permission',
  requestId: 'r',
  toolName,
  input,
  suggestions: [],
})

describe('a permission request', () => {
  it('is bounded, however long the command', () => {
    const [ask] = toAsks(request('Bash', { command: 'x'.repeat(1_000_000) }))
    expect(ask?.question.length).toBeLessThan(3000)
    expect(ask?.question).toContain('more characters')
  })

  it('of a tool without a known subject shows its input', () => {
    expect(toAsks(request('mcp__db__drop', { table: 'users' }))[0]?.question).toContain('{"table":"users"}')
  })

  it('offers a rule for the session only when Claude Code proposes one, and applies no wider one', () => {
    const rules = [{ toolName: 'Bash', ruleContent: 'npm test *' }]
    const suggestions: PermissionRequest['suggestions'] = [
      { type: 'addRules', rules, behavior: 'allow', destination: 'localSettings' },
      { type: 'setMode', mode: 'acceptEdits', destination: 'session' },
    ]
    const wide = { ...request('Bash', { command: 'npm test' }), suggestions }
    expect(toAsks(wide)[0]?.options?.[1]).toEqual({ label: 'Allow for this session', description: 'Bash(npm test *)' })
    expect(toAnswer(wide, ['Allow for this session'])).toEqual({
      behavior: 'allow',
      updatedInput: { command: 'npm test' },
      updatedPermissions: [{ type: 'addRules', rules, behavior: 'allow', destination: 'session' }],
    })
    expect(toAsks(request('Bash'))[0]?.options?.map(({ label }) => label)).toEqual(['Allow', 'Deny'])
  })

  it('is never granted by an answer that is not exactly that', () => {
    for (const answer of ['', 'allow it?', 'No', 'Allowed']) {
      expect(toAnswer(request('Bash'), [answer]).behavior).toBe('deny')
    }
  })
})

describe('a question that Claude Code withdraws', () => {
  it('is taken back from people, and nothing is answered any more', async () => {
    const written: string[] = []
    const signals: AbortSignal[] = []
    const ask = (_: Ask, withdraw?: AbortSignal) =>
      new Promise<string>((_resolve, reject) => {
        if (withdraw) signals.push(withdraw)
        withdraw?.addEventListener('abort', () => reject(new Error('withdrawn')))
      })
    const questions = new Questions({
      ask,
      allowAll: false,
      write: async (line) => void written.push(line),
      changed: () => {},
    })
    const taken = questions.take(request('Bash', { command: 'ls' }))
    questions.withdraw('another')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    questions.withdraw('r')
    await taken
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(written).toEqual([])
  })

  it('that cannot be asked is answered as such, so that Claude Code goes on', async () => {
    const written: string[] = []
    await new Questions({
      ask: nobody,
      allowAll: false,
      write: async (line) => void written.push(line),
      changed: () => {},
    }).take(request('Bash'))
    expect(written.join('')).toContain('nobody is there')
  })
})
