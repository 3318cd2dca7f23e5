/** What ends a session from outside: time, silence, a plugin at fault, a host that died. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openInProcessHost, readLog } from '../helpers/in-process-host.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/plugins/${name}`, import.meta.url))

describe('timeouts', () => {
  test('end an agent of which nothing is heard', async () => {
    await using host = await openInProcessHost({ config: '[timeouts]\nidle_minutes = 0.02\n' })
    const { task } = await host.addTask('echo begun; sleep 300')
    const failed = await host.until(task.id, 'failed', 'in_review')
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'AGENT_IDLE' } })
    expect((await readLog(host.client, failed.sessionId!)).at(-1)).toMatchObject({ type: 'error', code: 'AGENT_IDLE' })
  })

  test('leave an agent alone that has something to say now and then', async () => {
    await using host = await openInProcessHost({ config: '[timeouts]\nidle_minutes = 0.05\n' })
    const { task } = await host.addTask('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.7; done')
    expect((await host.until(task.id, 'failed', 'in_review')).status).toBe('in_review')
  })

  test('end a session that runs too long in all', async () => {
    await using host = await openInProcessHost({ config: '[timeouts]\ntotal_minutes = 0.03\n' })
    const { task } = await host.addTask('while true; do echo again; sleep 0.1; done')
    const failed = await host.until(task.id, 'failed', 'in_review', 'stopped')
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'AGENT_TIMEOUT' } })
  })
})

describe('a plugin at fault', () => {
  test('fails its own task with its name, and other tasks go on', async () => {
    await using host = await openInProcessHost()
    const plugins = join(host.home, 'plugins')
    cpSync(fixture('exits'), join(plugins, 'exits'), { recursive: true })
    cpSync(fixture('bad-manifest'), join(plugins, 'bad-manifest'), { recursive: true })
    // The host looks at its plugins when it starts.
    await host.restart()
    const listed = await host.client.call('listPlugins', {})
    expect(listed.plugins.find(({ path }) => path.endsWith('bad-manifest'))).toMatchObject({
      status: 'broken',
      error: { code: 'PLUGIN_MANIFEST' },
    })
    const exits = listed.plugins.find(({ path }) => path.endsWith('exits'))!
    expect(exits.status).toBe('ready')
    const well = await host.addTask('sleep 1; echo fine')
    const { task } = await host.client.call('createUnitTask', {
      repositoryId: well.repositoryId,
      prompt: 'x',
      agent: exits.agents[0]!,
      permissionMode: 'full',
      start: true,
    })
    expect(await host.until(task.id, 'failed', 'in_review')).toMatchObject({
      status: 'failed',
      error: { code: 'PLUGIN_DIED', message: expect.stringContaining(exits.name) },
    })
    expect((await host.until(well.task.id, 'failed', 'in_review')).status).toBe('in_review')
  })
})
