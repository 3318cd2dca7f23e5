import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ConfigSources, agentConfig, loadConfig, updateConfigFile } from '../../../hosts/config.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

interface Place extends Disposable {
  readonly config: string
  readonly repository: string
  own(toml: string): void
  repositorys(toml: string): void
  load(sources?: Partial<ConfigSources>): ReturnType<typeof loadConfig>
}

function makePlace(): Place {
  const folder = makeTemporaryFolder()
  const config = join(folder.path, 'config.toml')
  const repository = join(folder.path, 'repository')
  mkdirSync(join(repository, '.troupe'), { recursive: true })
  return {
    config,
    repository,
    own: (toml) => writeFileSync(config, toml),
    repositorys: (toml) => writeFileSync(join(repository, '.troupe', 'config.toml'), toml),
    load: (sources) => loadConfig({ dataDirectory: { config }, env: {}, repositoryPath: repository, ...sources }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

const messageOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return error instanceof Error ? error.message : ''
  }
  throw new Error('it was accepted')
}

describe('the configuration', () => {
  it('has a value for everything when nobody set anything', () => {
    using place = makePlace()
    const { config, warnings } = place.load()
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      agent: { execution: { agent: 'claude-code' } },
      agents: {},
      timeouts: { idleMinutes: 30, totalMinutes: 0 },
      sandbox: { kind: 'process', network: 'bridge' },
      concurrency: { maxSessions: 4 },
      branch: { template: 'troupe/${slug}-${taskId}' },
      setup: { copy: [], trust: [] },
      automation: { maxAutoFixAttempts: 3 },
    })
    expect(agentConfig(config, 'anything')).toEqual({ args: [], env: {}, permissionMode: 'accept_edits' })
  })

  it('takes the command line before the environment, the repository, the own file and the defaults', () => {
    using place = makePlace()
    const template = (name: string) => `[branch]\ntemplate = "${name}/\${taskId}"\n`
    const env = { TROUPE_BRANCH_TEMPLATE: 'env/${taskId}' }
    place.own(template('own'))
    expect(place.load().config.branch.template).toBe('own/${taskId}')
    place.repositorys(template('repository'))
    expect(place.load().config.branch.template).toBe('repository/${taskId}')
    expect(place.load({ env }).config.branch.template).toBe('env/${taskId}')
    const commandLine = { branch: { template: 'line/${taskId}' } }
    expect(place.load({ env, commandLine }).config.branch.template).toBe('line/${taskId}')
  })

  it('joins the settings of an agent key by key', () => {
    using place = makePlace()
    place.own('[agents.claude-code]\nprogram = "/opt/claude"\nargs = ["-v"]\nenv = { A = "1" }\n')
    place.repositorys('[agents.claude-code]\nmodel = "small"\n')
    const { config } = place.load({ env: { TROUPE_AGENTS_CLAUDE_CODE_PERMISSION_MODE: 'plan' } })
    expect(agentConfig(config, 'claude-code')).toEqual({
      program: '/opt/claude',
      model: 'small',
      permissionMode: 'plan',
      args: ['-v'],
      env: { A: '1' },
    })
  })

  it('gives the same values by section, as they stand in a file', () => {
    using place = makePlace()
    place.own('[concurrency]\nmax_sessions = 2\n')
    expect(place.load().values).toMatchObject({ concurrency: { max_sessions: 2 }, timeouts: { idle_minutes: 30 } })
  })
})

describe('a mistake in the configuration', () => {
  const mistakes: [string, RegExp][] = [
    ['[sandbox]\nknd = "docker"', /config\.toml: unknown key sandbox\.knd; did you mean sandbox\.kind\?/],
    ['max_sessions = 3', /unknown key max_sessions; did you mean concurrency\.max_sessions\?/],
    ['[sandbx]\n', /unknown key sandbx; did you mean sandbox\?$/],
    ['[sandbox]\ncolour = "red"', /unknown key sandbox\.colour; there are kind, .*, pids\.$/],
    ['[agents.amp]\nmodle = "x"', /unknown key agents\.amp\.modle; did you mean agents\.amp\.model\?/],
    ['[timeouts]\nidle_minutes = "30"', /timeouts\.idle_minutes must be a number, found "30"/],
    ['[concurrency]\nmax_sessions = 0', /concurrency\.max_sessions must be at least 1, found 0/],
    ['[concurrency]\nmax_sessions = 1.5', /concurrency\.max_sessions must be a whole number, found 1\.5/],
    ['[sandbox]\nkind = "vm"', /sandbox\.kind must be one of "process", "docker", "podman", found "vm"/],
    ['[sandbox]\nmemory = "lots"', /sandbox\.memory must be a size such as/],
    ['[agents.codex]\nargs = "--yes"', /agents\.codex\.args must be a list in \[brackets\], found "--yes"/],
    ['[agents."../x"]\n', /agents\.\.\.\/x: the name must be lower-case/],
    ['[setup]\ncopy = ["../../.ssh/id_rsa"]', /setup\.copy\.0 must be a path inside the repository/],
    ['[branch]\ntemplate = "x y${taskId}"', /branch\.template must not hold spaces/],
    ['[branch]\ntemplate = "-x${taskId}"', /branch\.template is not the name of a branch/],
    ['[branch]\ntemplate = "${task}"', /branch\.template may hold \$\{slug\}/],
    ['sandbox = 3', /sandbox must be a table, found 3/],
    ['[sandbox\n', /config\.toml:1:\d+: /],
  ]

  it.each(mistakes)('is told by its place, what was expected and what was found: %s', (toml, text) => {
    using place = makePlace()
    place.own(toml)
    expect(messageOf(() => place.load())).toMatch(text)
  })

  it('never shows the whole of a long value', () => {
    using place = makePlace()
    place.own(`[sandbox]\nkind = "${'x'.repeat(10_000)}"`)
    expect(messageOf(() => place.load()).length).toBeLessThan(300)
  })

  it('does not change any object, whatever its keys are called', () => {
    using place = makePlace()
    place.own('[__proto__]\npolluted = true\n[agents.constructor]\nmodel = "x"\n')
    expect(messageOf(() => place.load())).toContain('unknown key __proto__')
    expect('polluted' in {}).toBe(false)
  })
})

describe('the environment', () => {
  it('sets every kind of key', () => {
    using place = makePlace()
    const env = {
      TROUPE_CONCURRENCY_MAX_SESSIONS: '7',
      TROUPE_AGENT_EXECUTION_AGENT: 'command',
      TROUPE_NOTIFICATION_ENABLED: 'false',
      TROUPE_SETUP_COPY: '[".env"]',
      TROUPE_AGENTS_CODEX_ARGS: '["--fast"]',
    }
    const { config } = place.load({ env })
    expect(config.concurrency.maxSessions).toBe(7)
    expect(config.agent.execution.agent).toBe('command')
    expect(config.notification.enabled).toBe(false)
    expect(config.setup.copy).toEqual(['.env'])
    expect(agentConfig(config, 'codex').args).toEqual(['--fast'])
  })

  it('names the variable that is wrong', () => {
    using place = makePlace()
    const load = (env: Record<string, string>) => messageOf(() => place.load({ env }))
    expect(load({ TROUPE_CONCURRENCY_MAX_SESSIONS: 'many' })).toMatch(
      /^TROUPE_CONCURRENCY_MAX_SESSIONS: .*found "many"/,
    )
    expect(load({ TROUPE_CONCURRENCY_MAX_SESION: '1' })).toContain('did you mean TROUPE_CONCURRENCY_MAX_SESSIONS?')
    expect(load({ TROUPE_SETUP_COPY: '.env' })).toContain('TROUPE_SETUP_COPY must be JSON')
  })

  it('may hold variables of other parts and other programs', () => {
    using place = makePlace()
    const env = {
      TROUPE_HOME: '/x',
      TROUPE_LOG_LEVEL: 'debug',
      TROUPE_PORT: '1',
      TROUPE_PROMPT: 'x',
      TROUPE_MEMBERS: '9',
    }
    expect(place.load({ env }).config).toEqual(place.load().config)
  })
})

describe('the file of a repository', () => {
  it('prepares its own worktree and chooses models', () => {
    using place = makePlace()
    place.repositorys('[setup]\ncopy = [".env"]\n[branch]\ntemplate = "ai/${slug}"\n[agent.execution]\nmodel = "m"\n')
    const { config, warnings } = place.load()
    expect(warnings).toEqual([])
    expect(config.setup).toEqual({ copy: ['.env'], trust: [] })
    expect(config.branch.template).toBe('ai/${slug}')
    expect(config.agent.execution).toEqual({ agent: 'claude-code', model: 'm' })
  })

  it('runs no code of its own until the user trusts it, and cannot trust itself', () => {
    using place = makePlace()
    place.repositorys('[setup]\nrun = "npm ci"\n')
    const { config, warnings } = place.load()
    expect(config.setup.run).toBeUndefined()
    expect(warnings[0]).toMatch(/setup\.run is ignored.*add ".*repository" to \[setup\] trust/)
    place.repositorys(`[setup]\nrun = "npm ci"\ntrust = [${JSON.stringify(place.repository)}]\n`)
    expect(place.load().config.setup.run).toBeUndefined()
    place.own(`[setup]\ntrust = [${JSON.stringify(place.repository)}]\n`)
    expect(place.load().config.setup.run).toBe('npm ci')
  })

  const needsTrust = [
    ['[agent.execution]\nagent = "command"', 'agent.execution.agent'],
    ['[agent.planning]\nagent = "command"', 'agent.planning.agent'],
    ['[agents.claude-code]\nargs = ["--dangerous"]', 'agents.claude-code.args'],
    ['[sandbox]\nimage = "example/tools"', 'sandbox.image'],
  ] as const

  it.each(needsTrust)(
    'changes nothing about the agent, or where it works, until the user trusts it: %s',
    (toml, key) => {
      using place = makePlace()
      const before = place.load().config
      place.repositorys(toml)
      const { config, warnings } = place.load()
      expect(config).toEqual(before)
      expect(warnings).toEqual([
        expect.stringMatching(
          new RegExp(`: ${key} is ignored: .*; to allow it, add ".*repository" to \\[setup\\] trust`),
        ),
      ])
      place.own(`[setup]\ntrust = [${JSON.stringify(place.repository)}]\n`)
      expect(place.load().warnings).toEqual([])
      expect(place.load().config).not.toEqual({ ...before, setup: place.load().config.setup })
    },
  )

  it('sets the model and, trusted, the arguments of an agent; environment and command line go before it', () => {
    using place = makePlace()
    const trust = `[setup]\ntrust = [${JSON.stringify(place.repository)}]\n`
    place.own(`${trust}[agents.codex-cli]\nmodel = "own"\nargs = ["--own"]\nprogram = "/opt/codex"\n`)
    const codex = (sources?: Partial<ConfigSources>) => agentConfig(place.load(sources).config, 'codex-cli')
    expect(codex()).toMatchObject({ model: 'own', args: ['--own'] })
    place.repositorys('[agents.codex-cli]\nmodel = "repository"\nargs = ["--repository"]\n')
    expect(codex()).toMatchObject({ model: 'repository', args: ['--repository'], program: '/opt/codex' })
    const env = { TROUPE_AGENTS_CODEX_CLI_MODEL: 'environment' }
    expect(codex({ env })).toMatchObject({ model: 'environment', args: ['--repository'] })
    const commandLine = { agents: { 'codex-cli': { model: 'command line', args: [] } } }
    expect(codex({ env, commandLine })).toMatchObject({ model: 'command line', args: [] })
  })

  it('names no model that a program could take for an option', () => {
    using place = makePlace()
    place.repositorys('[agents.gemini-cli]\nmodel = "--yolo"\n')
    expect(messageOf(() => place.load())).toContain('agents.gemini-cli.model must not begin with "-"')
  })

  const refused = [
    '[agents.claude-code]\nprogram = "./evil"',
    '[agents.claude-code]\nenv = { ANTHROPIC_BASE_URL = "http://evil" }',
    '[agents.claude-code]\npermission_mode = "full"',
    '[concurrency]\nmax_sessions = 99',
    '[composite_task]\nauto_approve = true',
    '[automation]\nauto_fix_ci_failures = true',
    '[notification]\nenabled = false',
    '[timeouts]\nidle_minutes = 0',
    '[timeouts]\ntotal_minutes = 600',
    '[sandbox]\nkind = "process"',
    '[sandbox]\nnetwork = "bridge"',
    '[sandbox]\nmemory = "9g"',
    '[sandbox]\npids = 9999',
  ]

  it.each(refused)('changes nothing that would widen what is allowed, and a warning says so: %s', (toml) => {
    using place = makePlace()
    place.own('[sandbox]\nkind = "docker"\nnetwork = "none"\nmemory = "8192m"\n[timeouts]\ntotal_minutes = 60\n')
    const before = place.load()
    place.repositorys(toml)
    const { config, warnings } = place.load()
    expect(config).toEqual(before.config)
    expect(warnings).toEqual([expect.stringMatching(/config\.toml: \S+ is ignored: a repository may/)])
  })

  it('may be stricter', () => {
    using place = makePlace()
    place.own('[sandbox]\nmemory = "8g"\n[timeouts]\ntotal_minutes = 60\n')
    place.repositorys(
      '[sandbox]\nkind = "podman"\nnetwork = "none"\nmemory = "512m"\ncpus = 1\n[timeouts]\ntotal_minutes = 5\nidle_minutes = 1\n[agents.claude-code]\npermission_mode = "ask"\n',
    )
    const { config, warnings } = place.load()
    expect(warnings).toEqual([])
    expect(config.sandbox).toMatchObject({ kind: 'podman', network: 'none', memory: '512m', cpus: 1 })
    expect(config.timeouts).toEqual({ totalMinutes: 5, idleMinutes: 1 })
    expect(agentConfig(config, 'claude-code').permissionMode).toBe('ask')
  })

  it('is refused when it is a link, a pipe or huge', () => {
    using place = makePlace()
    const file = join(place.repository, '.troupe', 'config.toml')
    symlinkSync('/etc/passwd', file)
    expect(messageOf(() => place.load())).toContain('symbolic link')
    execFileSync('rm', [file])
    execFileSync('mkfifo', [file])
    expect(messageOf(() => place.load())).toContain('not a regular file')
    execFileSync('rm', [file])
    place.repositorys('#'.repeat(300_000))
    expect(messageOf(() => place.load())).toContain('larger than')
  })

  it('is not looked for behind a linked folder', () => {
    using place = makePlace()
    const other = join(place.repository, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'config.toml'), '[setup]\nrun = "x"')
    execFileSync('rm', ['-r', join(place.repository, '.troupe')])
    symlinkSync(other, join(place.repository, '.troupe'))
    expect(place.load().config.setup.run).toBeUndefined()
  })
})

describe('changing the file', () => {
  it('merges by section; null removes a key, and a section that is empty goes too', () => {
    using place = makePlace()
    place.own('[sandbox]\nkind = "docker"\ncpus = 2\n[setup]\nrun = "x"\n')
    updateConfigFile(place.config, {
      sandbox: { cpus: null, pids: 5 },
      setup: { run: null },
      agents: { amp: { model: 'm' } },
    })
    expect(place.load().values).toMatchObject({ sandbox: { kind: 'docker', pids: 5 }, agents: { amp: { model: 'm' } } })
    const text = readFileSync(place.config, 'utf8')
    expect(text).not.toMatch(/cpus|setup/)
  })

  it('changes nothing when the result would be invalid', () => {
    using place = makePlace()
    place.own('[sandbox]\nkind = "docker"\n')
    expect(messageOf(() => updateConfigFile(place.config, { sandbox: { kind: 'vm' } }))).toContain('sandbox.kind')
    expect(readFileSync(place.config, 'utf8')).toBe('[sandbox]\nkind = "docker"\n')
  })

  it('keeps a file with comments beside the new one', () => {
    using place = makePlace()
    place.own('# mine\n[sandbox]\nkind = "docker"\n')
    updateConfigFile(place.config, { sandbox: { pids: 5 } })
    expect(readFileSync(`${place.config}.before`, 'utf8')).toContain('# mine')
  })

  it('makes the file when there was none', () => {
    using place = makePlace()
    updateConfigFile(place.config, { concurrency: { max_sessions: 9 } })
    expect(place.load().config.concurrency.maxSessions).toBe(9)
  })
})
