/** Questions between Codex and people, without a program. */
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../../core/plugin/contract/index.ts'
import { toAsks, toReply } from '../../../plugins/codex-cli/question.ts'
import { Questions } from '../../../plugins/codex-cli/questions.ts'
import type { ServerRequest } from '../../../plugins/codex-cli/state.ts'

const request = (method: string, params: ServerRequest['params'] = {}, subject = ''): ServerRequest => ({
  kind: 'request',
  id: 7,
  method,
  params,
  subject,
})

const command = (params: ServerRequest['params'] = {}) => request('item/commandExecution/requestApproval', params)
const elicitation = (params: ServerRequest['params']) => request('mcpServer/elicitation/request', params)

/** Questions with a record of what goes to Codex. */
function makeQuestions(ask: (question: Ask, withdraw?: AbortSignal) => Promise<string>, allowAll = false) {
  const written: string[] = []
  const said: string[] = []
  const write = async (line: string) => void written.push(line)
  const say = ({ text }: { text: string }) => void said.push(text)
  return { written, said, questions: new Questions({ ask, allowAll, write, say, changed: () => {} }, []) }
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
  it('is taken back from people when it is settled otherwise, and nothing is answered any more', async () => {
    const signals: AbortSignal[] = []
    const { questions, written } = makeQuestions((_, withdraw) => {
      if (withdraw) signals.push(withdraw)
      return new Promise((_resolve, reject) =>
        withdraw?.addEventListener('abort', () => reject(new Error('withdrawn'))),
      )
    })
    const taken = questions.take(command({ command: 'ls' }))
    questions.withdraw(8)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    questions.withdraw(7)
    await taken
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(written).toEqual([])
  })

  it('and nobody can answer is refused, so that Codex goes on', async () => {
    const { questions, written } = makeQuestions(() => Promise.reject(new Error('nobody is there')))
    await questions.take(command())
    await questions.take(request('hologram/show'))
    expect(written).toEqual([expect.stringContaining('nobody is there'), expect.stringContaining('does not serve')])
  })

  it('is answered once, and what the person wants instead is said', async () => {
    const { questions, written, said } = makeQuestions(() => Promise.resolve('Use another name.'))
    await questions.take(command())
    expect(written).toEqual(['{"id":7,"result":{"decision":"decline"}}\n'])
    expect(said).toEqual(['Use another name.'])
    expect(questions.save()).toEqual([])
  })

  it('reaches nobody when everything is allowed, but for questions', async () => {
    const asked: Ask[] = []
    const { questions, written } = makeQuestions((ask) => {
      asked.push(ask)
      return Promise.resolve('Blue')
    }, true)
    await questions.take(command())
    await questions.take(request('item/tool/requestUserInput', { questions: [{ id: 'colour', question: 'Which?' }] }))
    expect(asked).toMatchObject([{ key: 'request/7/0', kind: 'question', question: 'Which?' }])
    expect(written).toEqual([
      '{"id":7,"result":{"decision":"accept"}}\n',
      '{"id":7,"result":{"answers":{"colour":{"answers":["Blue"]}}}}\n',
    ])
  })
})
