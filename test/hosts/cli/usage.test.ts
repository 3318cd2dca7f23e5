import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProgram } from './program.ts'

describe('help', () => {
  it('lists the commands that there are, and none of those to come', async () => {
    using program = makeProgram()
    const { code, stdout } = await program.run('--help')
    expect(code).toBe(0)
    for (const name of ['up', 'run', 'task', 'repo', 'agent', 'plugin', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    expect(stdout).not.toMatch(/^  (start|plan|serve|worker|desktop|login|secret)\b/m)
  })

  const commands = [
    ['up'],
    ['run'],
    ...[
      'ls',
      'show',
      'logs',
      'start',
      'answer',
      'send',
      'stop',
      'retry',
      'diff',
      'approve',
      'changes',
      'reject',
      'commit',
      'compare',
      'choose',
      'pr',
      'done',
      'rm',
    ].map((name) => ['task', name]),
    ...['add', 'ls', 'rm'].map((name) => ['repo', name]),
    ['agent', 'ls'],
    ...['ls', 'add', 'update', 'rm', 'enable', 'disable', 'new', 'check'].map((name) => ['plugin', name]),
    ['doctor'],
  ]

  it.each(commands)('of %s %s has an example and --json', async (...command) => {
    using program = makeProgram()
    const { code, stdout } = await program.run(...command.filter(Boolean), '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('--json')
    expect(stdout).toContain(`$ troupe ${command.filter(Boolean).join(' ')}`)
  })
})

describe('help of a command', () => {
  it('has its own options first, and no default that only a program understands', async () => {
    using program = makeProgram()
    const { stdout } = await program.run('run', '--help')
    expect(stdout).toMatch(/--agent[^]*--title[^]*--json[^]*--home/)
    expect(stdout).not.toMatch(/default: (\[\]|true|false)/)
  })

  it('of a group lists what it does in the order of its use', async () => {
    using program = makeProgram()
    const { stdout } = await program.run('task', '--help')
    expect(stdout).toMatch(/^  ls  [^]*^  show <task>  [^]*^  rm <task>  /m)
  })
})

describe('wrong usage', () => {
  const wrong: [string[], RegExp][] = [
    [['rnu', 'x'], /unknown command 'rnu' \(Did you mean run\?\)/],
    [['task', 'shwo', 'x'], /unknown command 'shwo' \(Did you mean show\?\)/],
    [['task', 'ls', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
    [['run'], /missing required argument 'prompt'. Usage: troupe run \[options\] <prompt>/],
    [['run', 'two', 'words'], /too many arguments .* Usage: troupe run \[options\] <prompt>/],
    [['task', 'nonsense'], /unknown command 'nonsense'; see troupe task --help/],
    [['run', ' '], /The prompt is empty/],
    [['run', 'x', '--permission-mode', 'yolo'], /Allowed choices are ask, accept_edits, plan, full/],
    [['run', 'x', '--detach', '--exit-on-question'], /cannot be used with/],
    [['run', 'x', '--agent', 'a', '--agent', 'b', '--model', 'm'], /--agent claude-code:opus --agent codex-cli/],
    [['run', 'x', '--agent', 'a:m', '--model', 'n'], /The model is named twice/],
    [['run', 'x', '--agent', 'a:'], /name of an agent, with its model/],
    [['run', 'x', '--agent', 'a', '--agent', 'b', '--branch', 'c'], /a branch of its own/],
    [['task', 'ls', '--status', 'finished'], /"finished" is none of draft, queued/],
    [['task', 'ls', '--limit', '0'], /whole number from 1 to 500/],
    [['up', '--port', '70000'], /whole number from 0 to 65535/],
    [['repo', 'ls', 'extra'], /too many arguments/],
  ]

  it.each(wrong)('%j ends with code 2 and says what is wrong in one line', async (args, text) => {
    using program = makeProgram()
    const { code, stdout, stderr } = await program.run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(text)
    expect(stderr).toMatch(/^error: .* \[USAGE\]\n$/)
  })

  it('is told as JSON on stderr to programs', async () => {
    using program = makeProgram()
    const { code, stderr } = await program.run('task', 'ls', '--json', '--limit', 'x')
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'USAGE' } })
  })

  it('of a group shows what it has', async () => {
    using program = makeProgram()
    const { code, stderr } = await program.run('task')
    expect(code).toBe(2)
    expect(stderr).toContain('approve')
  })
})

describe('a failure', () => {
  it('ends with code 1, one line and its code; no stack', async () => {
    using program = makeProgram()
    writeFileSync(join(program.home, 'file'), '')
    const { code, stdout, stderr } = await program.run('task', 'ls', '--home', join(program.home, 'file'))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: .*file is not a folder.* \[DATA_DIR_UNUSABLE\]\n$/)
  })

  it('names file and key of a wrong configuration', async () => {
    using program = makeProgram()
    mkdirSync(join(program.home, '.troupe'), { mode: 0o700 })
    writeFileSync(join(program.home, '.troupe', 'config.toml'), '[sandbox]\nknd = "docker"\n')
    const { code, stderr } = await program.run('agent', 'ls', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('did you mean sandbox.kind?') },
    })
  })

  it('has its stack for those who ask', async () => {
    using program = makeProgram({ TROUPE_DEBUG: '1' })
    const { stderr } = await program.run('task', 'show', '???')
    expect(stderr).toMatch(/\n +at /)
  })
})

describe('a command without a host', () => {
  it('does its work in its own process and leaves nothing behind', async () => {
    using program = makeProgram()
    expect(await program.run('task', 'ls')).toMatchObject({
      code: 0,
      stdout: 'There are no tasks yet. Begin with: troupe run "..."\n',
    })
    const { code, stdout } = await program.run('task', 'ls', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, { tasks: [] }])
    expect(existsSync(join(program.home, '.troupe', 'host.json'))).toBe(false)
    expect(existsSync(join(program.home, '.troupe', 'host.sock'))).toBe(false)
  })

  it('does not know a task that is not there', async () => {
    using program = makeProgram()
    expect(await program.run('task', 'show', 'abcd1234')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[NOT_FOUND]'),
    })
    expect(await program.run('task', 'show', '-x')).toMatchObject({ code: 2 })
  })

  it('examines the machine', async () => {
    using program = makeProgram()
    const { code, stdout } = await program.run('doctor', '--json')
    const report: { ok: boolean; checks: { name: string; state: string }[] } = JSON.parse(stdout)
    expect([code, report.ok]).toEqual([0, true])
    expect(report.checks).toEqual(
      expect.arrayContaining(
        ['node', 'git', 'data directory', 'configuration', 'host', 'database', 'agent command', 'sandbox process'].map(
          (name) => expect.objectContaining({ name, state: 'ok' }),
        ),
      ),
    )
  })

  it('says with which version an agent was proven, also of one that is not there', async () => {
    using program = makeProgram({ PATH: '/nowhere' })
    const { stdout } = await program.run('agent', 'ls')
    expect(stdout).toMatch(/^claude-code +✗ +- +@troupe\/claude-code$/m)
    expect((await program.run('agent', 'ls', '--no-detect')).stdout).toMatch(/^AGENT +PLUGIN$/m)
    const doctor = await program.run('doctor')
    expect(doctor.stdout).toMatch(/agent claude-code +not installed, proven with Claude Code \d/)
  })

  it('says in the examination what keeps it from working', async () => {
    using program = makeProgram()
    writeFileSync(join(program.home, '.troupe'), '')
    const { code, stdout } = await program.run('doctor')
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ data directory +.*is not a folder/)
  })
})
