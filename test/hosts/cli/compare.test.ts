/** Several agents at one prompt, as their user has them. */
import { join } from 'node:path'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { openTroupe, type Troupe } from '../../helpers/troupe.ts'

const AGENTS = ['--agent', 'command:left', '--agent', 'command:right']

interface Line {
  readonly type: string
  readonly taskId?: string
  readonly task?: { readonly id: string }
  readonly comparison?: { readonly attempts: { readonly task: { readonly id: string; readonly status: string } }[] }
}

const toLines = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

/** The first to come ends, the other works until it is stopped. */
const race = ({ lab }: Troupe) =>
  `echo work > work.txt; if mkdir '${join(lab.folder, 'lock')}' 2>/dev/null; then echo first; else exec sleep 300; fi`

describe('troupe run with several agents', () => {
  it('shows whose each line is, then all side by side with the commands that choose', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout } = await troupe.run(['run', 'echo seen; echo work > work.txt', ...AGENTS], {
      cwd: repository.path,
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^command:left +│ seen$/m)
    expect(stdout).toMatch(/^command:right │ seen$/m)
    expect(stdout).toMatch(/^TASK +ATTEMPT +STATUS +CHANGES +TOKENS +COST +TIME$/m)
    expect(stdout).toMatch(/^\w{8} +command:left +in_review +1 file \+1 -0 +- +- +\d+\.\ds$/m)
    expect(stdout).toMatch(/^ +troupe task choose \w{8} +take command:right, reject the others$/m)
    expect(stdout).not.toContain('\u001B')

    const [, id = ''] = /troupe task choose (\w{8}) +take command:right/.exec(stdout) ?? []
    const list = await troupe.run(['task', 'ls'])
    expect(list.stdout).toMatch(/COMPARED/)
    const shown = await troupe.run(['task', 'show', id])
    expect(shown.stdout).toMatch(/compared with +\w{8} \(command, in_review\)/)
    const chosen = await troupe.run(['task', 'choose', id])
    expect(chosen.stdout).toMatch(/command:left +rejected[^]*command:right +approved[^]*troupe task commit/)
    const compared = await troupe.run(['task', 'compare', id, '--json'])
    expect(JSON.parse(compared.stdout)).toMatchObject({
      comparison: { attempts: [{ task: { status: 'rejected' } }, { task: { status: 'approved' } }] },
    })
  })

  it('--json is one stream that names the task in each line and ends with the comparison', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout } = await troupe.run(['run', 'exit 3', ...AGENTS, '--json'], { cwd: repository.path })
    expect(code).toBe(1)
    const lines = toLines(stdout)
    const ids = lines.flatMap(({ type, task }) => (type === 'task' && task ? [task.id] : []))
    const last = lines.at(-1)
    expect(last).toMatchObject({
      type: 'comparison',
      comparison: { attempts: ids.map((id) => ({ task: { id, status: 'failed' } })) },
    })
    const messages = lines.slice(ids.length, -1)
    expect(messages.every(({ taskId }) => taskId !== undefined && ids.includes(taskId))).toBe(true)
    expect(new Set(messages.map(({ taskId }) => taskId))).toEqual(new Set(ids))
  })

  it('Ctrl-C stops those at work and leaves ready what is ready', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const child = troupe.spawn(['run', race(troupe), ...AGENTS, '--json'], { cwd: repository.path })
    let stdout = ''
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    const closed = once(child, 'close')
    await expect
      .poll(() => [stdout.includes('"type":"complete"'), stdout.split('"type":"toolUse"').length])
      .toEqual([true, 3])
    // The task is ready a moment after its last message.
    await expect.poll(async () => (await troupe.run(['task', 'ls'])).stdout).toContain('in_review')
    child.kill('SIGINT')
    expect(await closed).toEqual([130, null])
    const attempts = toLines(stdout).at(-1)?.comparison?.attempts ?? []
    expect(attempts.map(({ task }) => task.status).toSorted()).toEqual(['in_review', 'stopped'])
  })

  it('--detach says how to go on, and an attempt at work is stopped when another is chosen', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const client = await troupe.start()
    const begun = await troupe.run(['run', race(troupe), ...AGENTS, '--detach'], { cwd: repository.path })
    expect([begun.code, begun.stdout]).toEqual([0, expect.stringContaining('troupe task compare')])
    const { tasks } = await client.call('listUnitTasks', {})
    await expect.poll(async () => (await client.call('listUnitTasks', { status: ['in_review'] })).tasks.length).toBe(1)
    const ready = (await client.call('listUnitTasks', { status: ['in_review'] })).tasks[0]?.id ?? ''
    const late = tasks.find(({ id }) => id !== ready)?.id ?? ''
    const early = await troupe.run(['task', 'choose', late])
    expect([early.code, early.stderr]).toEqual([1, expect.stringMatching(/cannot be chosen\. Wait until it is ready/)])
    expect((await troupe.run(['task', 'choose', ready])).stdout).toMatch(/rejected[^]*approved|approved[^]*rejected/)
    expect((await client.call('getUnitTask', { id: late })).task.status).toBe('rejected')
  })
})
