/** Claude Code asks, people answer. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import type { Claude } from './claude.ts'
import { lastSeen, ofType, startClaude } from './claude.ts'

const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const DONE = { reply: [{ text: 'Done.' }] }
const COLOUR = {
  question: 'Which colour?',
  header: 'Colour',
  options: [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ],
  multiSelect: false,
}
const SIZES = {
  question: 'Which sizes?',
  header: 'Sizes',
  options: [
    { label: 'S', description: 'small' },
    { label: 'L', description: 'large' },
  ],
  multiSelect: true,
}
const made = ({ workDir }: Claude) => existsSync(join(workDir, 'made.txt'))
const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

describeWithClaude('a question of Claude Code', () => {
  it(
    'reaches people one by one, and their labels, several labels and free text reach the model',
    shows('claude-code', 'question'),
    async () => {
      const answers: Record<string, string> = { 'Which colour?': 'Green, please', 'Which sizes?': 'S, L' }
      await using claude = await startClaude({
        script: [{ reply: [{ tool: 'AskUserQuestion', input: { questions: [COLOUR, SIZES] } }] }, DONE],
        answer: ({ question }) => answers[question] ?? '',
      })
      expect(await claude.end).toMatchObject({ kind: 'complete', success: true })
      const key = expect.any(String)
      expect(claude.session.asked).toEqual([
        { kind: 'question', question: 'Which colour?', options: COLOUR.options, withdrawn: false, key },
        { kind: 'question', question: 'Which sizes?', options: SIZES.options, multiple: true, withdrawn: false, key },
      ])
      expect(lastSeen(claude)).toContain(String.raw`\"Which colour?\"=\"Green, please\", \"Which sizes?\"=\"S, L\"`)
    },
  )

  it('is withdrawn when the session stops', async () => {
    await using claude = await startClaude({
      script: [{ reply: [{ tool: 'AskUserQuestion', input: { questions: [COLOUR] } }] }],
      answer: () => {
        claude.session.stop()
        return new Promise(() => {})
      },
    })
    expect(await claude.end).toEqual({ kind: 'stopped' })
    expect(claude.session.asked).toMatchObject([{ question: 'Which colour?', withdrawn: true }])
  })
})

describeWithClaude('a permission that Claude Code asks for', () => {
  it('shows the command, and is given', shows('claude-code', 'permission'), async () => {
    await using claude = await startClaude({ script: [{ reply: [TOUCH] }, DONE], answer: () => 'Allow' })
    expect(await claude.end).toMatchObject({ kind: 'complete' })
    expect(claude.session.asked).toMatchObject([
      {
        kind: 'permission',
        question: 'Claude Code wants to use Bash:\ntouch made.txt',
        options: [{ label: 'Allow' }, { label: 'Allow for this session' }, { label: 'Deny' }],
      },
    ])
    expect(made(claude)).toBe(true)
  })

  it('is refused, with what people say instead', shows('claude-code', 'permission'), async () => {
    await using claude = await startClaude({
      script: [{ reply: [TOUCH] }, { reply: [TOUCH] }, DONE],
      answer: () => (claude.session.asked.length > 1 ? 'Write a test first' : 'Deny'),
    })
    expect(await claude.end).toMatchObject({ kind: 'complete' })
    expect(made(claude)).toBe(false)
    expect(ofType(claude, 'toolResult')).toMatchObject([
      { success: false, output: 'The user did not allow this.' },
      { success: false, output: 'The user did not allow this and said: Write a test first' },
    ])
  })

  it('is given for the session: not asked again, and nothing is written into the worktree', async () => {
    const command = { tool: 'Bash', input: { command: 'mkfifo --version' } }
    await using claude = await startClaude({
      script: [{ reply: [command] }, { reply: [command] }, DONE],
      answer: () => 'Allow for this session',
    })
    expect(await claude.end).toMatchObject({ kind: 'complete' })
    expect(claude.session.asked).toHaveLength(1)
    expect(ofType(claude, 'toolResult')).toMatchObject([{ success: true }, { success: true }])
    expect(readdirSync(claude.workDir)).toEqual([])
  })
})

describeWithClaude('a permission mode', () => {
  it('`accept_edits` edits freely and asks before other commands', async () => {
    await using claude = await startClaude({
      script: [
        { reply: [{ tool: 'Write', input: { file_path: 'made.txt', content: '' } }] },
        { reply: [{ tool: 'Bash', input: { command: 'make' } }] },
        DONE,
      ],
      session: { permissionMode: 'accept_edits' },
      answer: () => 'Deny',
    })
    await claude.end
    expect(claude.session.asked).toMatchObject([{ question: expect.stringContaining('Bash') }])
    expect(made(claude)).toBe(true)
  })

  it("`full` asks for nothing but the agent's own questions", async () => {
    await using claude = await startClaude({
      script: [
        { reply: [{ tool: 'Bash', input: { command: 'mkfifo made.txt' } }] },
        { reply: [{ tool: 'AskUserQuestion', input: { questions: [COLOUR] } }] },
        DONE,
      ],
      session: { permissionMode: 'full' },
      answer: () => 'Red',
    })
    expect(await claude.end).toMatchObject({ kind: 'complete' })
    expect(claude.session.asked).toMatchObject([{ kind: 'question', question: 'Which colour?' }])
    expect(made(claude)).toBe(true)
  })

  it('`plan` shows the plan, takes objections, and begins once it is approved', async () => {
    await using claude = await startClaude({
      script: [
        {
          capture: { file: '[^\\s"]+/plans/[^\\s"]+[.]md' },
          reply: [{ tool: 'Write', input: { file_path: '{{file}}', content: '# Make it\n' } }],
        },
        { reply: [{ tool: 'ExitPlanMode', input: {} }] },
        { reply: [{ tool: 'ExitPlanMode', input: {} }] },
        { reply: [{ tool: 'Write', input: { file_path: 'made.txt', content: '' } }] },
        DONE,
      ],
      session: { permissionMode: 'plan' },
      answer: () => (claude.session.asked.length > 1 ? 'Approve and accept edits' : 'Make it blue'),
    })
    expect(await claude.end).toMatchObject({ kind: 'complete' })
    expect(claude.session.asked).toMatchObject([
      { kind: 'plan', question: '# Make it\n' },
      { kind: 'plan', question: '# Make it\n' },
    ])
    expect(ofType(claude, 'toolResult')[1]).toMatchObject({
      success: false,
      output: 'The user did not approve the plan and said: Make it blue',
    })
    expect(made(claude)).toBe(true)
  })
})
