/** Aider at work: what it says and does comes out as messages, and nothing of its own stays in the repository. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { edit, lastSeen, ofType, shell, startAider } from './aider.ts'

const describeWithAider = await requires('Aider', agentProbe('aider'))

describeWithAider('Aider at work', () => {
  it(
    'asks before it takes up a file and runs a command, and tells of both',
    shows('aider', 'start', 'text', 'tools', 'permission', 'usage'),
    async () => {
      await using aider = await startAider({
        files: { 'a.txt': 'old\n' },
        script: [
          { reply: [{ text: 'I need a.txt.' }], usage: { input: 10, output: 5 } },
          {
            reply: [
              {
                text: `I write two.${edit('a.txt', 'old\n', 'new\n')}${edit('b.txt', '', 'made\n')}${shell('cat a.txt')}`,
              },
            ],
            usage: { input: 20, output: 7 },
          },
        ],
        answer: ({ question }) => (question.includes('b.txt') ? 'No' : 'Yes'),
      })
      const end = await aider.end
      expect(end).toMatchObject({ kind: 'complete', success: true })
      expect(readFileSync(join(aider.workDir, 'a.txt'), 'utf8')).toBe('new\n')
      expect(readdirSync(aider.workDir).toSorted()).toEqual(['.git', 'a.txt'])
      const git = (...args: string[]) => execFileSync('git', args, { cwd: aider.workDir, encoding: 'utf8' })
      expect(git('log', '--format=%s')).toBe('Begin\n')
      expect(git('status', '--short')).toBe(' M a.txt\n')

      expect(aider.session.asked.map(({ kind, question }) => `${kind}: ${question}`)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^permission: .*\na\.txt/),
          expect.stringMatching(/^permission: .*\nb\.txt/),
          expect.stringMatching(/^permission: Run shell command\?\ncat a\.txt$/),
        ]),
      )
      expect(ofType(aider, 'start')).toMatchObject([
        { agent: 'aider', agentVersion: AGENT_PACKAGES.aider.version, model: 'openai/gpt-4o', workDir: aider.workDir },
      ])
      expect(ofType(aider, 'text').map(({ content }) => content)).toEqual(
        expect.arrayContaining(['I need a.txt.', expect.stringContaining('I write two.')]),
      )
      expect(ofType(aider, 'toolUse')).toMatchObject([
        { kind: 'edit', input: { path: 'a.txt' } },
        { kind: 'command', input: { command: 'cat a.txt' } },
      ])
      expect(ofType(aider, 'toolResult')).toMatchObject([{ success: true }, { output: expect.stringContaining('new') }])
      const [usage] = ofType(aider, 'usage')
      expect(usage).toMatchObject({
        inputTokens: 30,
        outputTokens: 12,
        costUsd: expect.any(Number),
      })
      expect(JSON.stringify(aider.session.messages)).not.toContain('sk-fake')
    },
  )

  it(
    'hears in its next turn what was said meanwhile, and resumes its conversation later',
    shows('aider', 'follow-up', 'resume'),
    async () => {
      await using first = await startAider({
        script: [{ gate: 'reply', reply: [{ text: 'I shall remember 42.' }] }, { reply: [{ text: 'And zebras.' }] }],
      })
      await first.server.reached('reply')
      first.session.say('zebra')
      first.server.open('reply')
      expect(await first.end).toMatchObject({ kind: 'complete', summary: 'And zebras.' })
      expect(lastSeen(first)).toMatch(/42.*zebra/)
      const [start] = ofType(first, 'start')

      await using second = await startAider({
        script: [{ reply: [{ text: 'It was 42.' }] }],
        session: { resume: { agentSessionId: start?.agentSessionId ?? '' }, prompt: 'What was it?' },
        after: first,
      })
      expect(await second.end).toMatchObject({ kind: 'complete', summary: 'It was 42.' })
      expect(ofType(second, 'start')).toMatchObject([{ agentSessionId: start?.agentSessionId }])
      expect(lastSeen(second)).toMatch(/I shall remember 42.*And zebras.*What was it\?/)
    },
  )

  it('only plans in its mode for that, and carries the plan out when it is approved', async () => {
    await using aider = await startAider({
      script: [
        { reply: [{ text: `A plan.${edit('a.txt', '', 'x\n')}` }] },
        { reply: [{ text: `So be it.${edit('b.txt', '', 'x\n')}` }] },
      ],
      session: { permissionMode: 'plan' },
      answer: ({ kind }) => (kind === 'plan' ? 'Approve and accept edits' : 'No'),
    })
    expect(await aider.end).toMatchObject({ kind: 'complete', success: true })
    expect(aider.session.asked).toMatchObject([{ kind: 'plan', question: expect.stringContaining('A plan.') }])
    expect(readdirSync(aider.workDir).toSorted()).toEqual(['.git', 'b.txt'])
  })
})
