/** Gemini CLI asks people by the question server: where it trusts the repository, for else it connects to no MCP server. */
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { lastSeen, startGemini } from './gemini.ts'

const describeWithGemini = await requires('Gemini CLI', agentProbe('gemini-cli'))
const options = ['80', '443'].map((label) => ({ label, description: `Port ${label}` }))
const ASK = { tool: 'mcp_troupe_ask_person', input: { question: 'Which port?', options } }
const script = [{ reply: [ASK] }, { reply: [{ text: 'Thanks.' }] }]

describeWithGemini('a question of Gemini CLI', () => {
  it('reaches people when the user trusts the repository', shows('gemini-cli', 'question'), async () => {
    await using gemini = await startGemini({
      script,
      questionServer: true,
      session: { settings: { args: ['--skip-trust'] } },
      answer: () => '8080',
    })
    expect(await gemini.end).toMatchObject({ kind: 'complete', summary: 'Thanks.' })
    expect(gemini.session.asked).toMatchObject([{ kind: 'question', question: 'Which port?', options }])
    expect(lastSeen(gemini)).toContain('8080')
  })

  it('is not offered to it otherwise', async () => {
    await using gemini = await startGemini({ script, questionServer: true })
    expect(await gemini.end).toMatchObject({ kind: 'complete' })
    expect(gemini.session.asked).toEqual([])
    expect(JSON.stringify(gemini.server.requests[0]?.body)).not.toContain('ask_person')
  })
})
