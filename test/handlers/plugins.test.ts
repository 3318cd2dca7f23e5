import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type InProcessHost, openInProcessHost, readLog } from '../helpers/in-process-host.ts'

/** Says which version it is, when it begins, goes on or is told something. */
const code = (version: string) => `
import { definePlugin } from 'troupe/plugin'
export default definePlugin({
  agents: {
    versioned: {
      detect: async () => ({ installed: true, signedIn: 'yes' }),
      async run(session, io) {
        const say = (text) => io.emit({ type: 'text', content: ${JSON.stringify(version)} + ': ' + text })
        await say(session.checkpoint === undefined ? 'begun' : 'gone on')
        io.checkpoint({ here: true })
        for await (const { content } of io.followUps) await say(content)
        return { kind: 'stopped' }
      },
    },
  },
})
`

function write(host: InProcessHost, version: string): string {
  const folder = join(host.lab.folder, 'versioned')
  mkdirSync(folder, { recursive: true })
  const troupe = { contract: 1, agents: { versioned: { name: 'Versioned', permissionModes: ['full'] } } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'versioned', version, type: 'module', troupe }))
  writeFileSync(join(folder, 'index.js'), code(version))
  return folder
}

const texts = async (host: InProcessHost, sessionId: string) =>
  (await readLog(host.client, sessionId)).flatMap((message) => (message.type === 'text' ? [message.content] : []))

test('a plugin is installed, used, updated and removed under a host that runs, and a session keeps its version across a restart', async () => {
  await using host = await openInProcessHost({ config: '[shutdown]\nsessions = "leave"\n' })
  const call = () => host.client
  const { plugin } = await call().call('installPlugin', { source: write(host, '1.0.0') })
  expect(plugin).toMatchObject({ name: 'versioned', version: '1.0.0', status: 'unconfirmed' })
  const wishesHash = plugin.installation?.unconfirmed?.wishesHash ?? ''
  expect((await call().call('confirmPlugin', { name: 'versioned', wishesHash })).plugin.status).toBe('ready')

  const well = await host.addTask('true')
  const start = async () => {
    const params = {
      repositoryId: well.repositoryId,
      prompt: 'x',
      agent: 'versioned',
      permissionMode: 'full',
      start: true,
    } as const
    const { task } = await call().call('createUnitTask', params)
    await expect.poll(async () => (await call().call('getUnitTask', { id: task.id })).task.sessionId).toBeDefined()
    const { sessionId = '' } = (await call().call('getUnitTask', { id: task.id })).task
    await expect.poll(() => texts(host, sessionId)).toHaveLength(1)
    return { id: task.id, sessionId }
  }
  const first = await start()
  write(host, '2.0.0')
  expect((await call().call('updatePlugin', { name: 'versioned' })).plugin).toMatchObject({
    version: '2.0.0',
    status: 'ready',
  })
  const second = await start()
  await host.restart()
  for (const { id } of [first, second]) await call().call('sendMessage', { id, content: 'hello' })
  await expect.poll(() => texts(host, first.sessionId)).toEqual(['1.0.0: begun', '1.0.0: gone on', '1.0.0: hello'])
  await expect.poll(() => texts(host, second.sessionId)).toEqual(['2.0.0: begun', '2.0.0: gone on', '2.0.0: hello'])

  await expect(call().call('removePlugin', { name: 'versioned' })).rejects.toMatchObject({ code: 'PLUGIN_IN_USE' })
  await call().call('disablePlugin', { name: 'versioned' })
  for (const { id } of [first, second]) {
    await call().call('stopTaskExecution', { id })
    await host.until(id, 'stopped')
  }
  expect((await call().call('enablePlugin', { name: 'versioned' })).plugin.status).toBe('ready')
  await host.restart()
  const versions = readdirSync(join(host.home, 'plugins/versioned')).filter((name) => name !== 'record.json')
  expect(versions).toEqual([expect.stringMatching(/^2\.0\.0-/)])
  await call().call('removePlugin', { name: 'versioned' })
  expect(readdirSync(join(host.home, 'plugins'))).toEqual([])
})

test('where the code of a plugin runs is what the configuration says', async () => {
  await using host = await openInProcessHost({ config: '[plugins."versioned"]\nisolation = "thread"\n' })
  const { plugin } = await host.client.call('installPlugin', { source: write(host, '1.0.0'), isolation: 'process' })
  expect(plugin.isolation).toBe('thread')
  host.configure('[plugins.versioned]\nisolation = "cage"\n')
  await expect(host.client.call('getSettings', {})).rejects.toMatchObject({
    message: expect.stringContaining('plugins.versioned.isolation must be one of "thread", "process"'),
  })
})
