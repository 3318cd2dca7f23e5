import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, userPath } from '../../helpers/run-program.ts'
import { makeProgram } from './program.ts'

describe('troupe plugin new', () => {
  it('writes a plugin that passes troupe plugin check', async () => {
    using program = makeProgram()
    expect(await program.run('plugin', 'new', '@me/blue-parrot')).toMatchObject({ code: 0, stderr: '' })
    const manifest = JSON.parse(readFileSync(join(program.home, 'blue-parrot/package.json'), 'utf8'))
    expect(manifest).toMatchObject({
      name: '@me/blue-parrot',
      troupe: { agents: { 'blue-parrot': { name: 'Blue parrot' } } },
    })

    const { code, stdout } = await program.run('plugin', 'check', 'blue-parrot', '--json')
    const { ok, points } = JSON.parse(stdout)
    expect({ code, ok }).toEqual({ code: 0, ok: true })
    const unshown = points.filter(({ status }: { status: string }) => status !== 'passed')
    expect(unshown.map(({ id }: { id: string }) => id)).toEqual(['secrets', 'continue'])
  })

  it('writes tests that say so when this Node cannot run them', async () => {
    using program = makeProgram()
    await program.run('plugin', 'new', 'parrot')
    const env = { PATH: `${dirname(process.execPath)}:${userPath()}`, HOME: program.home }
    const test = (options: string) =>
      runProgram('npm', ['run', 'pretest'], {
        cwd: join(program.home, 'parrot'),
        env: { ...env, NODE_OPTIONS: options },
        timeoutMs: 60_000,
      })
    expect(await test('')).toMatchObject({ code: 0 })
    expect(await test('--no-strip-types')).toMatchObject({ code: 1, stderr: expect.stringContaining('Node 22.18') })
  })

  it('touches no folder that is there', async () => {
    using program = makeProgram()
    mkdirSync(join(program.home, 'parrot'))
    const { code, stderr } = await program.run('plugin', 'new', 'parrot')
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/parrot exists already/) })
    expect(readdirSync(join(program.home, 'parrot'))).toEqual([])
  })

  it.each(['Parrot', '../parrot', '.parrot', 'a b', '@me/', '@me/a/b', '', 'a'.repeat(65)])(
    'refuses the name %j',
    async (name) => {
      using program = makeProgram()
      const before = readdirSync(program.home)
      const { code, stderr } = await program.run('plugin', 'new', name)
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/is not a name for a plugin/) })
      expect(readdirSync(program.home)).toEqual(before)
    },
  )
})

describe('troupe plugin add', () => {
  it('asks which is meant before anything is fetched, when a folder has the name of a package', async () => {
    using program = makeProgram({ npm_config_registry: 'http://127.0.0.1:9' })
    await program.run('plugin', 'new', 'parrot')
    const { code, stderr } = await program.run('plugin', 'add', 'parrot')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/folder "parrot" here: did you mean \.\/parrot\?.* parrot@latest/),
    })
    const completed = await program.run('plugin', 'add', 'parrot/')
    expect(completed.stdout).toContain('parrot 0.1.0 wants')
  })
})

describe('troupe plugin check', () => {
  it('ends with 1 and the reason when a point fails', async () => {
    using program = makeProgram()
    mkdirSync(join(program.home, 'broken'))
    writeFileSync(
      join(program.home, 'broken/package.json'),
      '{"name":"broken","version":"1.0.0","troupe":{"contract":1}}',
    )
    const { code, stdout } = await program.run('plugin', 'check', 'broken')
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ package\.json has a manifest.*\n +manifest: .*agents/)
    expect(stdout).toMatch(/0 passed, 1 failed, 0 not shown\./)
  })

  it('says so when there is no such plugin', async () => {
    using program = makeProgram()
    const { code, stderr } = await program.run('plugin', 'check', 'nobody')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/no plugin is called "nobody".*PLUGIN_NOT_FOUND/),
    })
  })
})
