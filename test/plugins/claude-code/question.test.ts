/** Questions between Claude Code and people, without a program. */
import { describe, expect, it } from 'vitest'
import { toAnswer, toAsks } from '../../../plugins/claude-code/question.ts'
import { answerTo } from '../../../plugins/claude-code/questions.ts'
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

describe('a question that nobody can be asked', () => {
  it('is answered as such, so that Claude Code goes on', async () => {
    const { line } = await answerTo(request('Bash'), false, nobody)
    expect(line).toContain('nobody is there')
  })
})
