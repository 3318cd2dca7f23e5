/** The command line of Claude Code. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../../core/plugin/contract/index.ts'
import { toCommand } from '../../../plugins/claude-code/command.ts'

const session: Session = {
  sessionId: '1',
  agent: 'claude-code',
  workDir: '/project',
  scratchDir: '/scratch',
  prompt: '--help',
  permissionMode: 'ask',
  settings: { args: [] },
}

describe('the command line of Claude Code', () => {
  it('never holds the prompt, so that no prompt is taken for an option', () => {
    expect(toCommand(session).args).not.toContain('--help')
  })

  it('joins values to their options, so that a value that begins with a dash is none', () => {
    const hostile = { ...session, model: '--version', resume: { agentSessionId: '-x' } }
    expect(toCommand(hostile).args).toEqual(expect.arrayContaining(['--model=--version', '--resume=-x']))
  })

  it('ends with the arguments of the settings, and uses their program', () => {
    const command = toCommand({ ...session, settings: { program: '/opt/claude', args: ['--max-turns', '3'] } })
    expect(command.program).toBe('/opt/claude')
    expect(command.args.slice(-2)).toEqual(['--max-turns', '3'])
  })

  it.each([
    ['ask', 'default'],
    ['accept_edits', 'acceptEdits'],
    ['plan', 'plan'],
    ['full', 'acceptEdits'],
  ] as const)('starts the permission mode %s as %s', (permissionMode, mode) => {
    expect(toCommand({ ...session, permissionMode }).args).toContain(`--permission-mode=${mode}`)
  })
})
