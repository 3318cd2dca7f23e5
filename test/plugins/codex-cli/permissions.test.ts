/** What Codex may do in each mode, and what it asks people before. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { lastSeen, ofType, startCodex } from './codex.ts'

const TOUCH = { tool: 'exec_command', input: { cmd: 'touch made.txt' } }
const PATCH = { tool: 'apply_patch', input: '*** Begin Patch\n*** Add File: new.txt\n+x\n*** End Patch\n' }
const DONE = { reply: [{ text: 'Done.' }] }
const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

describeWithCodex('in the mode that asks', () => {
  it('a command is run when a person allows it, and an edit made', shows('codex-cli', 'permission'), async () => {
    await using codex = await startCodex({
      script: [{ reply: [TOUCH] }, { reply: [PATCH] }, DONE],
      answer: () => 'Allow',
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(codex.session.asked).toMatchObject([
      { kind: 'permission', question: expect.stringContaining('touch made.txt') },
      { kind: 'permission', question: expect.stringContaining(`add ${join(codex.workDir, 'new.txt')}`) },
    ])
    expect(codex.session.asked[1]?.options?.map(({ label }) => label)).toEqual([
      'Allow',
      'Allow for this session',
      'Deny',
    ])
    expect(ofType(codex, 'toolResult').map(({ success }) => success)).toEqual([true, true])
    expect(existsSync(join(codex.workDir, 'made.txt')) && existsSync(join(codex.workDir, 'new.txt'))).toBe(true)
  })

  it('a command is not run when a person says what to do instead, and Codex hears that', async () => {
    await using codex = await startCodex({
      script: [{ reply: [TOUCH] }, { ...DONE, times: 'always' }],
      answer: () => 'Use another name.',
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(ofType(codex, 'toolResult')).toMatchObject([{ success: false, output: 'declined' }])
    expect(lastSeen(codex)).toContain('Use another name.')
    expect(existsSync(join(codex.workDir, 'made.txt'))).toBe(false)
  })

  it('a question of the agent reaches a person, and the answer the agent', shows('codex-cli', 'question'), async () => {
    const question = {
      id: 'colour',
      header: 'Colour',
      question: 'Which colour?',
      options: [
        { label: 'Red', description: 'warm' },
        { label: 'Blue', description: 'cold' },
      ],
    }
    await using codex = await startCodex({
      script: [{ reply: [{ tool: 'request_user_input', input: { questions: [question] } }] }, DONE],
      answer: () => 'Green, please',
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(codex.session.asked).toMatchObject([
      { kind: 'question', question: 'Which colour?', options: question.options },
    ])
    expect(lastSeen(codex)).toContain('Green, please')
  })

  it('a question that does not hold up the agent is answered in a turn of its own', async () => {
    const questions = [{ title: 'Which colour?', options: ['Red', 'Blue'] }]
    await using codex = await startCodex({
      script: [
        { reply: [{ tool: 'request_user_input_async', input: { questions } }] },
        { reply: [{ text: 'I wait.' }] },
        { when: { lastUserText: 'Blue' }, reply: [{ text: 'Blue it is.' }] },
      ],
      session: { model: 'gpt-6.1-sol' },
      answer: async () => {
        await codex.session.heard((message) => message.type === 'text' && message.content === 'I wait.')
        return 'Blue'
      },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Blue it is.' })
  })
})

describeWithCodex('in the mode that accepts edits', () => {
  it('nobody is asked for work in the worktree, and for what goes beyond it people are', async () => {
    const beyond = {
      cmd: 'touch "$HOME/beyond"',
      sandbox_permissions: 'require_escalated',
      justification: 'I need it.',
    }
    await using codex = await startCodex({
      script: [{ reply: [PATCH] }, { reply: [TOUCH] }, { reply: [{ tool: 'exec_command', input: beyond }] }, DONE],
      session: { permissionMode: 'accept_edits' },
      answer: () => 'Deny',
    })
    expect(await codex.end).toMatchObject({ kind: 'complete' })
    expect(codex.session.asked).toMatchObject([{ question: expect.stringMatching(/beyond[^]*I need it\./) }])
    expect(ofType(codex, 'toolResult').map(({ success }) => success)).toEqual([true, true, false])
    expect(existsSync(join(codex.folder, 'beyond'))).toBe(false)
  })
})

describeWithCodex('in the mode that plans', () => {
  const PLAN = { reply: [{ text: 'Look:' }, { text: '<proposed_plan>\n# Touch it\n</proposed_plan>\n' }] }

  it('nothing is changed before its plan is approved, and then it is carried out', async () => {
    const changedBefore: boolean[] = []
    await using codex = await startCodex({
      script: [{ reply: [TOUCH] }, PLAN, { reply: [TOUCH] }, DONE],
      session: { permissionMode: 'plan' },
      answer: () => {
        changedBefore.push(existsSync(join(codex.workDir, 'made.txt')))
        return 'Approve and accept edits'
      },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(codex.session.asked).toMatchObject([{ kind: 'plan', question: '# Touch it' }])
    expect(changedBefore).toEqual([false])
    expect(existsSync(join(codex.workDir, 'made.txt'))).toBe(true)
  })

  it('a plan that is not approved is made anew, as the person says', async () => {
    const answers = ['Better not touch it', 'Approve']
    await using codex = await startCodex({
      script: [
        PLAN,
        { when: { lastUserText: 'Better not' }, ...PLAN },
        { when: { lastUserText: 'Implement' }, ...DONE },
      ],
      session: { permissionMode: 'plan' },
      answer: () => answers.shift() ?? '',
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(codex.server.left()).toEqual({})
  })
})

describeWithCodex('in the mode that allows everything', () => {
  it('nobody is asked, and nothing is closed off', async () => {
    await using codex = await startCodex({
      script: [{ reply: [{ tool: 'exec_command', input: { cmd: 'touch "$HOME/beyond"' } }] }, DONE],
      session: { permissionMode: 'full' },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete' })
    expect(codex.session.asked).toEqual([])
    expect(existsSync(join(codex.folder, 'beyond'))).toBe(true)
  })
})
