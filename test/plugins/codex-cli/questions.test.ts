/** Questions between Codex and people, without a program. */
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../../core/plugin/contract/index.ts'
import { toAsks, toReply } from '../../../plugins/codex-cli/question.ts'
import { answerTo } from '../../../plugins/codex-cli/questions.ts'
import type { AgentRequest, ServerRequest } from '../../../plugins/codex-cli/state.ts'

const request = (method: string, params: ServerRequest['params'] = {}, subject = ''): ServerRequest => ({
  kind: 'request',
  id: 7,
  method,
  params,
  subject,
})

const command = (params: ServerRequest['params'] = {}) => request('item/commandExecution/requestApproval', params)
const elicitation = (params: ServerRequest['params']) => request('mcpServer/elicitation/request', params)

/** Answers it as a person would, with a record of what Codex hears and people are asked. */
async function answered(asked: AgentRequest, person: () => Promise<string>, allowAll = false) {
  const [said, questions]: [string[], Ask[]] = [[], []]
  const ask = (asks: readonly Ask[]) => {
    questions.push(...asks)
    return Promise.all(asks.map(person))
  }
  const { line, done } = await answerTo(asked, { allowAll, ask, say: ({ text = '' }) => void said.push(text) })
  done?.()
  return { line, said, questions }
}

describe('a permission request', () => {
  it('is bounded, however long the command', () => {
    const [ask] = toAsks(command({ command: 'x'.repeat(1_000_000) })) ?? []
    expect(ask?.question.length).toBeLessThan(3000)
    expect(ask?.question).toContain('more characters')
  })

  it('is never granted by an answer that is not exactly that', () => {
    for (const answer of ['', 'allow it?', 'No', 'Allowed', 'Allow for this session']) {
      expect(toReply(command(), [answer])).toMatchObject({ result: { decision: 'decline' } })
    }
  })

  it('is granted for the session only when Codex offers that', () => {
    const offered = command({ command: 'npm test', availableDecisions: ['accept', 'acceptForSession', 'cancel'] })
    expect(toReply(offered, ['Allow for this session'])).toMatchObject({ result: { decision: 'acceptForSession' } })
  })

  it('for the network names the host', () => {
    const [ask] = toAsks(command({ command: 'curl x', networkApprovalContext: { host: 'example.org' } })) ?? []
    expect(ask?.question).toContain('reach example.org')
  })

  it('for more than the sandbox allows grants what was asked for, and nothing else', () => {
    const permissions = { network: { enabled: true }, fileSystem: null }
    const wish = request('item/permissions/requestApproval', { permissions })
    expect(toReply(wish, ['Allow'])).toMatchObject({
      result: { permissions: { network: { enabled: true } }, scope: 'turn' },
    })
    expect(toReply(wish, ['Deny'])).toMatchObject({ result: { permissions: {} } })
  })
})

describe('a question of an MCP server', () => {
  it('is a permission unless it wants data', () => {
    const plain = elicitation({ serverName: 'db', message: 'Drop it?', requestedSchema: { properties: {} } })
    expect(toAsks(plain)).toMatchObject([{ kind: 'permission', question: 'db: Drop it?' }])
    expect(toReply(plain, ['Allow'])).toMatchObject({ result: { action: 'accept', content: {} } })
  })

  it('that wants data takes JSON, and declines anything else', () => {
    const form = elicitation({ serverName: 'db', message: 'Which?', requestedSchema: { properties: { name: {} } } })
    expect(toAsks(form)?.[0]?.question).toContain('"properties"')
    expect(toReply(form, ['{"name":"x"}'])).toMatchObject({ result: { action: 'accept', content: { name: 'x' } } })
    expect(toReply(form, ['Deny'])).toMatchObject({ result: { action: 'decline' } })
  })
})

describe('what Codex asks', () => {
  it('and nobody can answer is refused, so that Codex goes on', async () => {
    const nobody = () => Promise.reject(new Error('nobody is there'))
    expect((await answered(command(), nobody)).line).toContain('nobody is there')
    expect((await answered(request('hologram/show'), nobody)).line).toContain('does not serve')
  })

  it('is answered, and what the person wants instead is said', async () => {
    const { line, said } = await answered(command(), () => Promise.resolve('Use another name.'))
    expect(line).toBe('{"id":7,"result":{"decision":"decline"}}\n')
    expect(said).toEqual(['Use another name.'])
  })

  it('without waiting is answered by saying something to it', async () => {
    const asked = { kind: 'question', id: 'q', question: 'Which?', options: [] } as const
    const { line, said } = await answered(asked, () => Promise.resolve('Blue'))
    expect({ line, said }).toEqual({ line: undefined, said: ['Which?\nBlue'] })
  })

  it('reaches nobody when everything is allowed, but for questions', async () => {
    const blue = () => Promise.resolve('Blue')
    const allowed = await answered(command(), blue, true)
    expect(allowed).toEqual({ line: '{"id":7,"result":{"decision":"accept"}}\n', said: [], questions: [] })
    const input = request('item/tool/requestUserInput', { questions: [{ id: 'colour', question: 'Which?' }] })
    const { line, questions } = await answered(input, blue, true)
    expect(questions).toMatchObject([{ kind: 'question', question: 'Which?' }])
    expect(line).toBe('{"id":7,"result":{"answers":{"colour":{"answers":["Blue"]}}}}\n')
  })
})
