/** Amp's turns, by a stand-in that speaks its documented stream (see amp.ts). */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { type Amp, heardBy, ofType, startAmp } from './amp.ts'

describe('Amp at work, by its stand-in', () => {
  it(
    'says where it works, thinks, uses a tool and sums up',
    shows('amp', 'start', 'text', 'tools', 'usage'),
    async () => {
      await using amp = startAmp({
        turns: [
          { blocks: [{ thinking: 'Hm.' }, { tool: 'Bash', input: { cmd: 'echo hi > made.txt' } }, { text: 'Done.' }] },
        ],
        session: { prompt: '--help', model: 'high' },
      })
      const usage = { inputTokens: 45, outputTokens: 6, cacheReadTokens: 9 }
      expect(await amp.end).toEqual({ kind: 'complete', success: true, summary: 'Done.', usage })
      expect(readdirSync(amp.workDir)).toEqual(['made.txt'])
      expect(amp.session.messages).toMatchObject([
        { type: 'start', agent: 'amp', agentSessionId: expect.stringMatching(/^T-/), workDir: amp.workDir },
        { type: 'thinking', content: 'Hm.' },
        { type: 'toolUse', toolName: 'Bash', kind: 'command', input: { cmd: 'echo hi > made.txt' } },
        { type: 'toolResult', toolName: 'Bash', success: true },
        { type: 'text', content: 'Done.' },
        { type: 'usage', ...usage },
      ])
      const [turn] = Object.values(heardBy(amp)).flat()
      expect(turn).toMatchObject({ said: ['--help'] })
      expect(turn?.args).toContain('--mode=high')
    },
  )

  it('takes up what people say while it works in a further turn', shows('amp', 'follow-up'), async () => {
    await using amp = startAmp({
      turns: [
        { blocks: [{ tool: 'Bash', input: { cmd: 'while [ ! -e said ]; do sleep 0.05; done' } }, { text: 'First.' }] },
        { blocks: [{ text: 'Second.' }] },
      ],
    })
    await amp.session.heard(({ type }) => type === 'toolUse')
    amp.session.say('And one')
    amp.session.say('And two')
    await setImmediate()
    writeFileSync(join(amp.workDir, 'said'), '')
    expect(await amp.end).toMatchObject({ kind: 'complete', summary: 'Second.', usage: { outputTokens: 6 } })
    expect(ofType(amp, 'start')).toHaveLength(1)
    expect(Object.values(heardBy(amp)).map((turns) => turns.map(({ said }) => said))).toEqual([
      [['Do the task.'], ['And one\n\nAnd two']],
    ])
  })

  it('is asked about before a turn that would run what an earlier one left in the repository', async () => {
    const asks = (answer: string) =>
      startAmp({
        turns: [
          { blocks: [{ tool: 'Bash', input: { cmd: 'mkdir .amp; while [ ! -e said ]; do sleep 0.05; done' } }] },
          { blocks: [{ tool: 'Bash', input: { cmd: 'while [ ! -e again ]; do sleep 0.05; done' } }] },
          { blocks: [{ text: 'Third.' }] },
        ],
        answer: () => answer,
      })
    const nextTurn = async (amp: Amp, { words, file }: { words: string; file: string }) => {
      amp.session.say(words)
      await setImmediate()
      writeFileSync(join(amp.workDir, file), '')
    }
    await using refused = asks('Do not run it')
    await refused.session.heard(({ type }) => type === 'toolUse')
    await nextTurn(refused, { words: 'Go on', file: 'said' })
    expect(await refused.end).toMatchObject({
      code: 'AGENT_FAILED',
      message: expect.stringContaining('.amp'),
      unheard: ['Go on'],
    })
    expect(refused.session.commands).toHaveLength(1)

    await using allowed = asks('Run it')
    await allowed.session.heard(({ type }) => type === 'toolUse')
    await nextTurn(allowed, { words: 'Go on', file: 'said' })
    await expect.poll(() => ofType(allowed, 'toolUse')).toHaveLength(2)
    await nextTurn(allowed, { words: 'And on', file: 'again' })
    expect(await allowed.end).toMatchObject({ kind: 'complete', summary: 'Third.' })
    expect(allowed.session.asked).toMatchObject([{ kind: 'permission', key: 'trust/1' }])
  })

  it('asks people by the question server', shows('amp', 'question'), async () => {
    const input = { question: 'Which colour?' }
    await using amp = startAmp({
      turns: [{ blocks: [{ tool: 'ask_person', input }, { text: 'Thanks.' }] }],
      questionServer: true,
      answer: () => 'Blue',
    })
    expect(await amp.end).toMatchObject({ kind: 'complete', summary: 'Thanks.' })
    expect(amp.session.asked).toMatchObject([{ kind: 'question', question: 'Which colour?' }])
    expect(ofType(amp, 'toolResult')).toMatchObject([{ output: expect.stringContaining('Blue') }])
  })

  it(
    'stops in mid-tool, leaves nothing in the repository, and resumes its conversation',
    shows('amp', 'interrupt', 'resume'),
    async () => {
      const cmd = 'while [ ! -e over ]; do sleep 0.05; done'
      await using first = startAmp({
        turns: [
          { blocks: [{ text: 'I shall remember.' }, { tool: 'Bash', input: { cmd } }] },
          { blocks: [{ text: 'Yes.' }] },
        ],
      })
      await first.session.heard(({ type }) => type === 'toolUse')
      first.session.stop()
      expect(await first.end).toEqual({ kind: 'stopped' })
      expect(ofType(first, 'toolResult')).toMatchObject([{ toolName: 'Bash', success: false }])
      expect(readdirSync(first.workDir)).toEqual([])
      // The stand-in leaves its command to the host, which ends whatever a session started.
      writeFileSync(join(first.workDir, 'over'), '')

      const agentSessionId = ofType(first, 'start')[0]?.agentSessionId ?? ''
      await using second = startAmp({ session: { resume: { agentSessionId }, prompt: 'Do you?' }, after: first })
      expect(await second.end).toMatchObject({ kind: 'complete', summary: 'Yes.' })
      expect(ofType(second, 'start')).toMatchObject([{ agentSessionId }])
      expect(heardBy(second)[agentSessionId]).toMatchObject([{ said: ['Do the task.'] }, { said: ['Do you?'] }])
    },
  )

  it('keeps lines and blocks of an unknown kind, and goes on', async () => {
    const lines = [
      'not JSON',
      '{"type":"hologram"}',
      '{"type":"__proto__"}',
      '{"type":"system","subtype":"news"}',
      '[1]',
    ]
    await using amp = startAmp({ turns: [{ lines, blocks: [{ text: 'Done.' }] }] })
    expect(await amp.end).toMatchObject({ kind: 'complete' })
    expect(ofType(amp, 'raw').map(({ content }) => content)).toEqual(lines)
  })
})

describe('a failure of Amp, by its stand-in', () => {
  const endOf = async (error: string) => {
    await using amp = startAmp({ turns: [{ error }] })
    return await amp.end
  }

  it('is told apart', shows('amp', 'quota'), async () => {
    expect(await endOf('Out of credits.')).toMatchObject({ code: 'AGENT_QUOTA', retryable: true })
    expect(await endOf('429 Rate limit exceeded')).toMatchObject({ code: 'AGENT_QUOTA' })
    expect(await endOf('Unauthorized')).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
    expect(await endOf('503 overloaded')).toMatchObject({ code: 'AGENT_API', retryable: true })
    expect(await endOf('It is odd.')).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('odd') })
  })

  it('to resume names the conversation', async () => {
    await using amp = startAmp({ turns: [], session: { resume: { agentSessionId: 'T-lost' } } })
    expect(await amp.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('T-lost not found') })
  })

  it('by a kill is told', async () => {
    await using amp = startAmp({ turns: [{ blocks: [{ text: 'Hm.' }], hang: true }] })
    await amp.session.heard(({ type }) => type === 'text')
    amp.session.kill()
    expect(await amp.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('SIGKILL') })
  })
})
