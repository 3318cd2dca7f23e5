import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSandbox } from '../../core/sandbox/open-sandbox.ts'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { type Bench, findLeft, finish, openBench, PATH } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

/** The error with which a request is refused. */
const refusal = async (...request: Parameters<Bench['request']>): Promise<unknown> =>
  bench.sandbox.spawn(bench.request(...request)).then(
    () => 'it was started',
    (error: unknown) => error,
  )

describe('a program that runs', () => {
  test('is read on both streams and ends with its code', async () => {
    await using running = await bench.sandbox.spawn(bench.script('echo to out; echo to err >&2; exit 7'))
    expect(await finish(running)).toEqual({ stdout: 'to out\n', stderr: 'to err\n', exit: { code: 7 } })
  })

  test('gets its arguments as they are', async () => {
    const args = [
      '',
      ' a  b ',
      "it's",
      '"quoted"',
      '-n',
      '--',
      'two\nlines',
      '$HOME `id` $(id)',
      '*',
      'ünï',
      '\\n',
      'a=b',
    ]
    const print = ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...args]
    await using running = await bench.sandbox.spawn(bench.request(process.execPath, print))
    expect(JSON.parse((await finish(running)).stdout)).toEqual(args)
  })

  test('gets exactly the environment of the request and the marker', async () => {
    const env = {
      PATH,
      HOME: '/nowhere',
      PLAIN: 'two\nlines = "x"',
      EMPTY: '',
      'a.b(c)': 'odd',
      '-x': 'dash',
      PWD: '/elsewhere',
      IFS: ':',
      PPID: 'five',
      OPTIND: '9',
      BASH_ENV: '/tmp/none',
      f: 'small',
      TROUPE_PROCESS: 'somebody else',
    }
    const print = ['-e', 'console.log(JSON.stringify(process.env))']
    const request = bench.request(process.execPath, print, { env })
    await using running = await bench.sandbox.spawn(request)
    expect(JSON.parse((await finish(running)).stdout)).toEqual({ ...env, TROUPE_PROCESS: request.folder })
  })

  test('sees no variable of the host, nor of the shell that wraps it', async () => {
    const request = bench.request('/usr/bin/env', [], { env: {} })
    await using running = await bench.sandbox.spawn(request)
    expect((await finish(running)).stdout).toBe(`TROUPE_PROCESS=${request.folder}\n`)
  })

  test('sees only its three streams and is in the session of its wrapper', async () => {
    await using running = await bench.sandbox.spawn(bench.script('ps -o sid= -p $$; ls /proc/$$/fd'))
    const [sid, ...descriptors] = (await finish(running)).stdout.trim().split(/\s+/).map(Number)
    expect(descriptors.filter((descriptor) => descriptor < 10)).toEqual([0, 1, 2])
    expect(sid).toBe(running.pid)
  })

  test('works in its folder and is found in PATH there or not at all', async () => {
    await bench.file('in-worktree', '#!/bin/sh\necho from the worktree')
    const relative = bench.request('in-worktree', [], { env: { PATH: `.::${PATH}` } })
    await expect(bench.sandbox.spawn(relative)).rejects.toMatchObject({ code: 'PROCESS_START' })
    await using running = await bench.sandbox.spawn(bench.request('./in-worktree'))
    expect((await finish(running)).stdout).toBe('from the worktree\n')
  })

  test('may have a path that looks like a variable', async () => {
    const program = await bench.file('a=b', '#!/bin/sh\necho "$@"')
    await using running = await bench.sandbox.spawn(bench.request(program, ['-x']))
    expect((await finish(running)).stdout).toBe('-x\n')
  })

  test('may end at once', async () => {
    for (let round = 0; round < 5; round++) {
      await using running = await bench.sandbox.spawn(bench.request('true'))
      expect(await finish(running)).toEqual({ stdout: '', stderr: '', exit: { code: 0 } })
    }
  })

  test.each([
    ['exit 0', { code: 0 }],
    ['exit 127', { code: 127 }],
    ['exit 255', { code: 255 }],
    ['kill -TERM $$', { code: null, signal: 'SIGTERM' }],
    ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
    ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
  ])('that ends by `%s` is reported so, without words of the shell', async (script, exit) => {
    await using running = await bench.sandbox.spawn(bench.script(script))
    expect(await finish(running)).toEqual({ stdout: '', stderr: '', exit })
  })

  test('whose wrapper is killed counts as killed', async () => {
    await using running = await bench.sandbox.spawn(bench.script('sleep 300'))
    process.kill(running.pid, 'SIGKILL')
    expect(await running.exited).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  test('needs no more room on the disk to say how it ended', async () => {
    const request = bench.script('stat -c %s "$TROUPE_PROCESS/exit"; exit 4')
    await using running = await bench.sandbox.spawn(request)
    const { stdout, exit } = await finish(running)
    expect(exit).toEqual({ code: 4 })
    expect((await stat(join(request.folder, 'exit'))).size).toBe(Number(stdout))
  })

  test('keeps its files from other users', async () => {
    const request = bench.script('umask', { stdin: { content: 'secret' } })
    await using running = await bench.sandbox.spawn(request)
    await running.exited
    for (const name of ['out', 'err', 'content', 'exit', 'process.json']) {
      expect((await stat(join(request.folder, name))).mode & 0o077).toBe(0)
    }
    expect((await stat(request.folder)).mode & 0o077).toBe(0)
  })

  test('runs beside 49 others', async () => {
    const requests = Array.from({ length: 50 }, (_, index) =>
      bench.script('echo "$1"; sleep 0.2', { args: [`${index}`] }),
    )
    const results = await Promise.all(
      requests.map(async (request) => {
        await using running = await bench.sandbox.spawn(request)
        return (await finish(running)).stdout.trim()
      }),
    )
    expect(results).toEqual(requests.map((_, index) => `${index}`))
  })
})

describe('a program that cannot run', () => {
  test('is named when PATH has no such program', async () => {
    const message = expect.stringContaining('no-such-program')
    expect(await refusal('no-such-program')).toMatchObject({ code: 'PROCESS_START', message })
    expect(await refusal('ls', [], { env: {} })).toMatchObject({ code: 'PROCESS_START' })
  })

  test('is named when its path does not exist', async () => {
    const message = expect.stringContaining('/no/such/program')
    expect(await refusal('/no/such/program')).toMatchObject({ code: 'PROCESS_START', message })
    expect(await refusal('')).toMatchObject({ code: 'PROCESS_START' })
  })

  test('is named when it is not executable', async () => {
    const path = await bench.file('plain.txt', 'text', 0o644)
    const message = expect.stringContaining('not an executable file')
    expect(await refusal(path)).toMatchObject({ code: 'PROCESS_START', message })
    expect(await refusal(bench.cwd)).toMatchObject({ code: 'PROCESS_START', message })
  })

  test('is named when its interpreter is missing', async () => {
    const direct = await bench.file('direct', '#!/no/such/shell -x\n')
    const byName = await bench.file('by-name', '#!/usr/bin/env no-such-shell\n')
    expect(await refusal(direct)).toMatchObject({ message: expect.stringContaining('/no/such/shell') })
    expect(await refusal(byName)).toMatchObject({ message: expect.stringContaining('no-such-shell') })
  })

  test('is reported when only the system can tell', async () => {
    const loaderless = (await readFile('/bin/true', 'latin1')).replace('/ld-linux', '/no-linux')
    const path = join(bench.cwd, 'loaderless')
    await writeFile(path, loaderless, 'latin1')
    await chmod(path, 0o755)
    const request = bench.request(path)
    await expect(bench.sandbox.spawn(request)).rejects.toMatchObject({
      code: 'PROCESS_START',
      message: expect.stringContaining('loaderless'),
    })
    expect(await bench.sandbox.attach(request.folder)).toBeUndefined()
  })

  test('is refused without a working folder', async () => {
    const message = expect.stringContaining('/no/such/folder')
    expect(await refusal('true', [], { cwd: '/no/such/folder' })).toMatchObject({ code: 'PROCESS_START', message })
    expect(await refusal('true', [], { cwd: 'relative' })).toMatchObject({ code: 'PROCESS_START' })
  })

  test('is refused with arguments or variables that no system takes', async () => {
    expect(await refusal('true', ['a\0b'])).toMatchObject({ code: 'PROCESS_START' })
    expect(await refusal('true', ['x'.repeat(4 << 20)])).toMatchObject({ code: 'PROCESS_START' })
    expect(await refusal('true', [], { env: { PATH, 'a=b': 'c' } })).toMatchObject({ code: 'PROCESS_START' })
  })

  test('is refused in a folder that cannot be made', async () => {
    const file = await bench.file('in-the-way', '')
    expect(await refusal('true', [], { folder: join(file, '0') })).toMatchObject({ code: 'PROCESS_START' })
    expect(await refusal('true', [], { folder: 'relative' })).toMatchObject({ code: 'PROCESS_START' })
  })

  test('is refused in a folder that was used before, or that leads elsewhere', async () => {
    const request = bench.script('echo once')
    await using first = await bench.sandbox.spawn(request)
    await first.exited
    await expect(bench.sandbox.spawn(request)).rejects.toMatchObject({ code: 'PROCESS_START' })
    const trap = bench.script('echo twice')
    await mkdir(trap.folder, { recursive: true })
    await symlink(join(bench.cwd, 'target'), join(trap.folder, 'out'))
    await expect(bench.sandbox.spawn(trap)).rejects.toMatchObject({ code: 'PROCESS_START' })
    await expect(stat(join(bench.cwd, 'target'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

test('containers are refused in clear words', () => {
  const options = { clock: systemClock, logger: silentLogger }
  for (const kind of ['docker', 'podman'] as const) {
    expect(() => openSandbox(kind, options)).toThrow(expect.objectContaining({ code: 'SANDBOX_UNSUPPORTED' }))
  }
})
