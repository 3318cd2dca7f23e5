import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sleep, within } from '../../../core/base/waiting.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { packageVersion } from '../../../hosts/package.ts'
import { openTroupe, type Troupe } from '../../helpers/troupe.ts'

const COMMAND = ['--agent', 'command', '--permission-mode', 'full']
const BOUND_MS = 60_000

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 50) {
    if (waited > BOUND_MS) throw new Error('it did not happen')
    await sleep(50)
  }
}

function watch(child: ChildProcess) {
  const seen = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (seen.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (seen.stderr += chunk.toString()))
  child.stdin?.end()
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { seen, ended: () => within(BOUND_MS, 'troupe', ended) }
}

const tasksOf = async (troupe: Troupe): Promise<UnitTask[]> =>
  (JSON.parse((await troupe.run(['task', 'ls', '--json'])).stdout) as { tasks: UnitTask[] }).tasks

describe('troupe run, in a process of its own', () => {
  it('prints the log in plain lines, what changed and what to do next with the id of the task', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout, stderr } = await troupe.run([
      'run',
      'echo hello; echo x > new',
      '--repo',
      repository.path,
      ...COMMAND,
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^hello$/m)
    expect(stdout).toMatch(/1 file changed, \+1 −0\n {2}A new {2}\+1/)
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u)
    const [, id] = /troupe task diff ([0-9a-f]{8})\b/.exec(stdout) ?? []
    const diff = await troupe.run(['task', 'diff', id ?? '', '--patch'])
    expect(diff.stdout).toContain('diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n')
    const log = await troupe.run(['task', 'logs', id ?? ''])
    expect(log.stdout).toMatch(/^hello$/m)
  })

  it('prints one message a line for programs, the task at the end', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout } = await troupe.run(['run', 'echo hello', '--json', '--repo', repository.path, ...COMMAND])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; seq?: number })
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatchObject({ type: 'task', task: { status: 'in_review' } })
    expect(lines[0]).toMatchObject({ type: 'task', task: { status: 'in_progress' } })
    expect(lines.slice(1, -1).map(({ seq }) => seq)).toEqual(lines.slice(1, -1).map((_, at) => at + 1))
    expect(lines.map(({ type }) => type)).toContain('complete')
  })

  it('ends with 1 when the work failed', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout } = await troupe.run(['run', 'exit 7', '--repo', repository.path, ...COMMAND])
    expect([code, stdout]).toEqual([1, expect.stringMatching(/failed/)])
  })

  it('says once why it failed', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    troupe.configure('[agents.claude-code]\nprogram = "no-such-program"\n')
    const run = ['run', 'x', '--agent', 'claude-code', '--repo', repository.path]
    const { code, stdout } = await troupe.run(run)
    expect(code).toBe(1)
    expect(stdout.match(/there is no such program/g)).toHaveLength(1)
    expect(stdout.match(/\bstarted\b/g)).toHaveLength(1)
    expect(stdout).toMatch(/AGENT_NOT_INSTALLED[^]*\n {2}failed\n/)
  })

  it('starts a draft that a program has made', async () => {
    await using troupe = await openTroupe()
    const client = await troupe.start()
    const { path } = await troupe.lab.repository()
    const { repository } = await client.call('addRepository', { path })
    const draft = { repositoryId: repository.id, prompt: 'echo hello', agent: 'command', start: false }
    const { task } = await client.call('createUnitTask', draft)
    const { code, stdout } = await troupe.run(['task', 'start', task.id])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^hello$[^]*in_review/m)])
  })

  it('stops its task on SIGINT where nobody can be asked', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const child = troupe.spawn(['run', 'echo begun; sleep 600', '--repo', repository.path, ...COMMAND])
    const { seen, ended } = watch(child)
    await until(() => /^begun$/m.test(seen.stdout))
    child.kill('SIGINT')
    expect(await ended()).toBe(130)
    expect((await tasksOf(troupe)).map(({ status }) => status)).toEqual(['stopped'])
  })

  it('leaves its task to the next host on SIGTERM', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const child = troupe.spawn(['run', 'echo begun; sleep 600', '--repo', repository.path, ...COMMAND])
    const { seen, ended } = watch(child)
    await until(() => /^begun$/m.test(seen.stdout))
    child.kill('SIGTERM')
    expect(await ended()).toBe(143)
    expect((await tasksOf(troupe)).map(({ status }) => status)).not.toContain('stopped')
  })

  it('hands the work to a host in the background with --detach', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const { code, stdout } = await troupe.run([
      'run',
      'sleep 1; echo x > new',
      '--detach',
      '--repo',
      repository.path,
      ...COMMAND,
    ])
    const host = JSON.parse(readFileSync(join(troupe.home, 'host.json'), 'utf8')) as { pid: number }
    try {
      expect(code).toBe(0)
      const [, id] = /troupe task logs -f ([0-9a-f]{8})\b/.exec(stdout) ?? []
      const followed = await troupe.run(['task', 'logs', '-f', id ?? ''])
      expect(followed.code).toBe(0)
      await expect.poll(async () => (await tasksOf(troupe)).map(({ status }) => status)).toEqual(['in_review'])
    } finally {
      process.kill(host.pid, 'SIGTERM')
      await until(() => !existsSync(join(troupe.home, 'host.json')))
    }
  })
})

describe('a host', () => {
  it('refuses a second one by its name, and serves all commands', async () => {
    await using troupe = await openTroupe()
    await troupe.start()
    const second = await troupe.run(['up', '--port', '0'])
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(
      /^error: Troupe \(pid \d+, http:\/\/127\.0\.0\.1:\d+, started .*\) holds .*\[HOST_ALREADY_RUNNING\]/,
    )
    const repository = await troupe.lab.repository()
    const task = await troupe.addTask(repository, { prompt: 'echo x > new', agent: 'command', permissionMode: 'full' })
    await troupe.until(task.id, 'in_review')
    expect((await troupe.run(['task', 'approve', task.id.slice(-8)])).code).toBe(0)
    const merged = await troupe.run(['task', 'commit', task.id.slice(-8), '--json'])
    expect(JSON.parse(merged.stdout)).toMatchObject({ task: { id: task.id, status: 'done' } })
    expect(await repository.git('show', 'main:new')).toBe('x')
    const again = await troupe.run(['task', 'commit', task.id.slice(-8)])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('[CONFLICT]')])
  })

  it('of another version serves commands, which say so', async () => {
    await using troupe = await openTroupe()
    await troupe.start()
    expect((await troupe.run(['repo', 'ls'])).stderr).toBe('')
    const file = join(troupe.home, 'host.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(packageVersion, '0.0.9'))
    const { code, stderr } = await troupe.run(['repo', 'ls', '--json'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^note: the host that runs is Troupe 0\.0\.9, .*\n$/)])
  })

  it('ends on SIGTERM and takes its file and its socket with it', async () => {
    await using troupe = await openTroupe()
    await troupe.start()
    expect(existsSync(join(troupe.home, 'host.sock'))).toBe(true)
    await troupe.stop('SIGTERM')
    expect(existsSync(join(troupe.home, 'host.json'))).toBe(false)
    expect(existsSync(join(troupe.home, 'host.sock'))).toBe(false)
  })
})

describe('output that nobody reads any more', () => {
  it('ends the command quietly', async () => {
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    const prompt = 'i=0; while [ $i -lt 3000 ]; do echo "a line of some length, number $i"; i=$((i+1)); done'
    const ran = await troupe.run(['run', prompt, '--repo', repository.path, ...COMMAND])
    const [, id = ''] =
      /troupe task logs ([0-9a-f]{8})|troupe task reject ([0-9a-f]{8})/.exec(ran.stdout)?.filter(Boolean) ?? []
    const child = troupe.spawn(['task', 'logs', id, '--json'])
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    if (!child.stdout) throw new Error('no output')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = (await within(BOUND_MS, 'troupe', once(child, 'exit'))) as [number | null]
    expect([code, errors]).toEqual([0, ''])
  })
})
