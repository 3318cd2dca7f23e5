/** The command line of Codex. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../../core/plugin/contract/index.ts'
import { toCommand } from '../../../plugins/codex-cli/command.ts'

const session: Session = {
  sessionId: '1',
  agent: 'codex-cli',
  workDir: '/project "of" ours',
  scratchDir: '/scratch',
  prompt: '--help',
  permissionMode: 'ask',
  model: '--version',
  resume: { agentSessionId: '-x' },
  settings: { program: '/opt/codex', args: ['-c', 'model_reasoning_effort="high"'] },
}

describe('the command line of Codex', () => {
  it('never holds the prompt, the model or the conversation, so that none of them is taken for an option', () => {
    const { args } = toCommand(session)
    for (const given of ['--help', '--version', '-x']) expect(args).not.toContain(given)
  })

  it('ends with the arguments of the settings, and uses their program', () => {
    const { args } = toCommand(session)
    expect(args.slice(-2)).toEqual(session.settings.args)
    expect(args.slice(2, 4)).toEqual(['/opt/codex', 'app-server'])
  })

  it('names the worktree as untrusted, whatever its name', () => {
    expect(toCommand(session).args).toContain('projects={"/project \\"of\\" ours"={"trust_level"="untrusted"}}')
  })
})
