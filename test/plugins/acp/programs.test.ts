/** Programs that are no ACP agent, or not there: found out, and told with what to do. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { acp } from '../../../plugins/acp/agent.ts'
import { VERSION, beginning } from '../../../plugins/acp/memory.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { openSession } from '../../helpers/session-io.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const ENV = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }

async function endOf(program: string | undefined, ...args: string[]) {
  await using session = openSession({ workDir: '/tmp', env: ENV })
  const settings = { args, ...(program !== undefined && { program }) }
  const end = await acp.run(makeSession('acp', { settings, permissionMode: 'ask' }), session.io)
  return { end, messages: session.messages }
}

/** Answers the first request with this result, then waits. */
const answering = (result: object, id = 'troupe-1'): string[] => [
  '-c',
  `read line; printf '{"jsonrpc":"2.0","id":"${id}","result":%s}\\n' '${JSON.stringify(result)}'; exec sleep 60`,
]

it('a program that is not there is named, with how to name another', async () => {
  expect((await endOf('/nowhere/agent')).end).toMatchObject({
    code: 'AGENT_NOT_INSTALLED',
    message: expect.stringMatching(/nowhere.*\[agents\.acp\]/),
  })
  expect((await endOf(undefined)).end).toMatchObject({
    code: 'AGENT_SETTINGS',
    message: expect.stringContaining('program'),
  })
})

it('a program that ends at once has what it printed told', async () => {
  const { end, messages } = await endOf('sh', '-c', 'echo hello; echo "no key" >&2; exit 3')
  expect(end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringMatching(/exit code 3.*no key/) })
  expect(messages).toEqual(expect.arrayContaining([{ type: 'raw', stream: 'stdout', content: 'hello' }]))
})

it('a program that only echoes is found out', async () => {
  expect((await endOf('cat')).end).toMatchObject({
    code: 'AGENT_FAILED',
    message: expect.stringContaining('initialize'),
  })
})

it('an agent of another version of the protocol is refused', async () => {
  expect((await endOf('sh', ...answering({ protocolVersion: 7 }))).end).toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('version 7'),
  })
})

it('an agent that cannot resume says so instead of beginning anew', async () => {
  const settings = { program: 'sh', args: answering({ protocolVersion: 1, agentInfo: { name: 'Goldfish' } }) }
  await using session = openSession({ workDir: '/tmp', env: ENV })
  const resume = { agentSessionId: 'yesterday' }
  const end = await acp.run(makeSession('acp', { settings, resume }), session.io)
  expect(end).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('Goldfish cannot resume') })
})

it('a request that did not reach the agent before a crash is made again', async () => {
  await using session = openSession({ workDir: '/tmp', env: ENV })
  const lost = { id: 'troupe-1', method: 'initialize', params: {} }
  const memory = { ...beginning, calls: { made: 1, pending: lost, hasArrived: false } }
  const checkpoint = { version: VERSION, heard: false, stderr: '', missed: [], memory }
  const settings = { program: 'sh', args: answering({ protocolVersion: 7 }, 'troupe-2') }
  const end = await acp.run(makeSession('acp', { settings, checkpoint }), session.io)
  expect(end).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('version 7') })
})

it('a session of another version of the plugin is not continued', async () => {
  await using session = openSession({ workDir: '/tmp', env: ENV })
  const end = await acp.run(
    makeSession('acp', { settings: { program: 'sh', args: [] }, checkpoint: { version: 0 } }),
    session.io,
  )
  expect(end).toMatchObject({ code: 'AGENT_FAILED', retryable: true })
})

it('is detected by its path, and says how to configure it when it is not', async () => {
  const io = {
    settings: { program: 'agent', args: [] },
    find: (name: string) => Promise.resolve(name === 'agent' ? '/bin/agent' : undefined),
    run: () => Promise.reject(new Error('Nothing is run: an agent of unknown arguments may do anything.')),
    hasSecret: () => Promise.resolve(false),
    fileExists: () => Promise.resolve(false),
  }
  expect(await acp.detect(io)).toEqual({ installed: true, program: '/bin/agent', signedIn: 'unknown' })
  const hint = expect.stringContaining('[agents.acp]')
  expect(await acp.detect({ ...io, settings: { args: [] } })).toEqual({ installed: false, signedIn: 'unknown', hint })
})

it('what people said into a turn that fails is handed back', async () => {
  using folder = makeTemporaryFolder()
  const say = (id: string, result: string) => `read line; printf '{"jsonrpc":"2.0","id":"${id}","result":${result}}\\n'`
  const greets = [say('troupe-1', '{"protocolVersion":1}'), say('troupe-2', '{"sessionId":"s"}')]
  const works = 'read line; touch begun; until [ -e fail ]; do sleep 0.02; done; exit 3'
  const settings = { program: 'sh', args: ['-c', [...greets, works].join('; ')] }
  await using session = openSession({ workDir: folder.path, env: ENV })
  const end = acp.run(makeSession('acp', { settings }), session.io)
  await expect.poll(() => existsSync(join(folder.path, 'begun'))).toBe(true)
  session.say('And the docs.')
  await new Promise((resolve) => setImmediate(resolve))
  writeFileSync(join(folder.path, 'fail'), '')
  expect(await end).toMatchObject({ code: 'AGENT_EXITED', unheard: ['And the docs.'] })
})
