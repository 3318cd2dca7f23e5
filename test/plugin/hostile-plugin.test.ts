/** What a plugin can do to the user's machine where it runs: docs/plugins/trust.md says the same in words. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PluginIsolation } from '../../core/contract/records.ts'
import { restrictsNetwork } from '../../core/plugin/process-carrier.ts'
import { InstallLab } from './install-lab.ts'

let lab: InstallLab

beforeEach(() => {
  lab = new InstallLab()
})

afterEach(() => lab[Symbol.asyncDispose]())

/** What the code gives when it runs in a session, or `refused: <why>`. */
async function attempt(code: string, isolation: PluginIsolation, troupe = {}): Promise<string> {
  const manager = await lab.open()
  const says = `(async () => { ${code} })().then(String, (e) => 'refused: ' + (e.code ?? e.cause?.code ?? e.message))`
  const plugin = await lab.add(manager, lab.write('src', { says, troupe }), isolation)
  expect(plugin.status).toBe('ready')
  const { end, texts } = await lab.say()
  return texts[0] ?? JSON.stringify(end)
}

const files = () => ({
  secret: join(lab.home, 'secret.txt'),
  database: join(lab.folder, 'written.db'),
  written: join(lab.folder, 'written.txt'),
})

const read = () => `return (await import('node:fs')).readFileSync(${JSON.stringify(files().secret)}, 'utf8')`
const write = () => `(await import('node:fs')).writeFileSync(${JSON.stringify(files().written)}, 'x'); return 'wrote'`
const environment = () => `return process.env.HOME ?? 'nothing'`
const program = () =>
  `return (await import('node:child_process')).execFileSync('/bin/sh', ['-c', 'echo ran'], { encoding: 'utf8' }).trim()`
const database = () => `
  const { DatabaseSync } = await import('node:sqlite')
  new DatabaseSync(${JSON.stringify(files().database)}).exec('create table t (a)')
  return 'wrote'`
const signal = () => `return process.kill(process.ppid === 1 ? 1 : ${process.pid}, 0)`
const thread = () => `new (await import('node:worker_threads')).Worker('0', { eval: true }); return 'started'`
const connect = (port: number) => `
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    const socket = connect(${port}, '127.0.0.1')
    socket.once('connect', () => { socket.destroy(); resolve('connected') })
    socket.once('error', reject)
  })`

async function listening(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

describe('a plugin', () => {
  test.for<[string, () => string, string]>([
    ['reads the files of the user', read, 'a secret'],
    ['writes files', write, 'wrote'],
    ['sees where the user is at home', environment, process.env['HOME'] ?? ''],
    ['starts programs', program, 'ran'],
    ['writes databases', database, 'wrote'],
    ['sends signals to the host', signal, 'true'],
    ['starts threads', thread, 'started'],
  ])('%s in a thread, and cannot in a process', async ([, code, done]) => {
    writeFileSync(files().secret, 'a secret')
    expect(await attempt(code(), 'thread')).toBe(done)
    const { database: databaseFile, written } = files()
    for (const path of [databaseFile, written]) rmSync(path, { force: true })
    expect(await attempt(code(), 'process')).toMatch(/^(?:refused: |nothing$)/)
    expect([databaseFile, written].filter((path) => existsSync(path))).toEqual([])
  })

  test.runIf(restrictsNetwork())(
    'reaches the network in a thread, and in a process only if the user was asked',
    async () => {
      await using server = await listening()
      expect(await attempt(connect(server.port), 'thread')).toBe('connected')
      expect(await attempt(connect(server.port), 'process')).toBe('refused: ERR_ACCESS_DENIED')
      expect(await attempt(connect(server.port), 'process', { network: ['127.0.0.1'] })).toBe('connected')
    },
  )
})

describe('a process of a plugin', () => {
  test('reads what it brought itself', async () => {
    const code = `return (await import('node:fs')).readdirSync(new URL('.', import.meta.url)).join()`
    expect(await attempt(code, 'process')).toBe('index.js,package.json')
  })

  test('has its way to the debugger of the host, to reports and to traces closed', async () => {
    const code = `
      const { createRequire } = await import('node:module')
      const v8 = process.getBuiltinModule('node:v8'), os = createRequire(import.meta.url)('os')
      return [process._debugProcess, process._kill, process.report, process.execve, v8.setFlagsFromString, os.setPriority,
        process.getBuiltinModule('node:trace_events').createTracing, (await import('node:sqlite').catch(() => ({}))).DatabaseSync]
        .map((gone) => typeof gone).join()`
    expect(await attempt(code, 'process')).toBe(Array.from({ length: 8 }, () => 'undefined').join())
  })

  test.for([
    ['what is no message', `(await import('node:fs')).writeSync(4, 'x'.repeat(100)); return new Promise(() => {})`],
    [
      'a message that the contract does not know',
      `const text = JSON.stringify({ kind: 'call', wire: 1, id: 9, method: 'append', params: { messages: ['{"type":"text"'], progress: { offsets: [] } } })
       const head = Buffer.alloc(4); head.writeUInt32BE(text.length)
       ;(await import('node:fs')).writeSync(4, Buffer.concat([head, Buffer.from(text)])); return new Promise(() => {})`,
    ],
    [
      'a frame without an end',
      `const head = Buffer.alloc(4); head.writeUInt32BE(0xffffffff)
       ;(await import('node:fs')).writeSync(4, head); return new Promise(() => {})`,
    ],
    [
      'more values than the host could make without standing still',
      `const text = JSON.stringify({ kind: 'call', wire: 99, id: 1, method: 'x', params: Array.from({ length: 300_000 }, () => []) })
       const head = Buffer.alloc(4); head.writeUInt32BE(text.length)
       const { writeSync } = await import('node:fs')
       const frame = Buffer.concat([head, Buffer.from(text)])
       for (let at = 0; at < frame.length;) at += writeSync(4, frame, at)
       return new Promise((resolve) => setTimeout(resolve, 30_000, 'went on'))`,
    ],
  ])('that sends %s past the contract ends its own session', async ([, code = '']) => {
    const manager = await lab.open()
    await lab.add(manager, lab.write('src', { says: `(async () => { ${code} })()` }), 'process')
    expect((await lab.say()).end.kind).toMatch(/interrupted|error/)
    expect((await lab.say()).end.kind).toMatch(/interrupted|error/)
  })

  test('that calls and reads no answer is ended before the answers fill the memory of the host', async () => {
    const code = `
      const { writeSync } = await import('node:fs')
      const text = JSON.stringify({ kind: 'call', wire: 1, id: 1, method: 'x'.repeat(2 ** 20) })
      const frame = Buffer.alloc(4 + text.length); frame.writeUInt32BE(text.length); frame.write(text, 4)
      for (let count = 0; count < 100; count++) for (let at = 0; at < frame.length;) at += writeSync(4, frame, at)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000)
      return 'went on'`
    const manager = await lab.open()
    await lab.add(manager, lab.write('src', { says: `(async () => { ${code} })()` }), 'process')
    expect((await lab.say()).end).toMatchObject({ kind: 'interrupted', error: { code: 'PLUGIN_DIED' } })
  })

  test('that waits for more answers than the host can hold is ended', async () => {
    const code = `
      const { writeSync } = await import('node:fs')
      const send = (message) => {
        const text = JSON.stringify(message)
        const frame = Buffer.alloc(4 + text.length); frame.writeUInt32BE(text.length); frame.write(text, 4)
        for (let at = 0; at < frame.length;) at += writeSync(4, frame, at)
      }
      const params = 'x'.repeat(2 ** 25)
      for (let id = 1000; id < 1010; id++) send({ kind: 'call', wire: 1, id, method: 'nextFollowUp', params })
      return new Promise((resolve) => setTimeout(resolve, 30_000, 'went on'))`
    const manager = await lab.open()
    await lab.add(manager, lab.write('src', { says: `(async () => { ${code} })()` }), 'process')
    expect((await lab.say()).end).toMatchObject({ kind: 'interrupted', error: { code: 'PLUGIN_DIED' } })
  })

  test.runIf(restrictsNetwork())(
    'speaks to no program by a socket file, and makes none, whatever it was allowed',
    async () => {
      const path = join(lab.folder, 'own.sock')
      const server = createServer((socket) => socket.destroy()).listen(path)
      await once(server, 'listening')
      const made = `${path}-made`
      const code = `
      const { connect, createServer } = await import('node:net')
      const pipe = process.stdout._handle
      const raw = new pipe.constructor(1).bind(${JSON.stringify(made)})
      const tell = (thing, event) => new Promise((resolve) => thing.once(event, () => resolve(event)).once('error', (e) => resolve(e.code)))
      return [await tell(connect(${JSON.stringify(path)}), 'connect'), await tell(createServer().listen(${JSON.stringify(made)}), 'listening'), raw < 0].join()`
      expect(await attempt(code, 'process', { network: ['127.0.0.1'] })).toBe('EACCES,EACCES,true')
      expect(existsSync(made)).toBe(false)
      await new Promise((resolve) => server.close(resolve))
    },
  )

  test('ends with its host, also when the host is killed and the plugin never gives way', async () => {
    const alive = join(lab.folder, 'alive.mjs')
    const carrier = new URL('../../core/plugin/process-carrier.ts', import.meta.url).href
    writeFileSync(
      alive,
      `import { startProcess } from ${JSON.stringify(carrier)}
       const isolation = { kind: 'process', folder: ${JSON.stringify(lab.folder)}, network: false }
       startProcess({ isolation, memoryMb: 64, shapes: {}, onPrinted: () => {} })
       const { readFileSync } = await import('node:fs')
       setTimeout(() => console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim()), 300)
       setInterval(() => {}, 1000)`,
    )
    const host = spawn(process.execPath, [alive], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed] = (await once(host.stdout, 'data')) as [Buffer]
    const pid = Number(String(printed).trim().split(' ')[0])
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    // A process that is stopped does not see that its pipes were closed.
    process.kill(pid, 'SIGSTOP')
    host.kill('SIGKILL')
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false)
  })
})
