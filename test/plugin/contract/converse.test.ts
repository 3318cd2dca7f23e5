/** A conversation with a program: however it goes, it ends, and nothing that people say is lost. */
import { expect, test } from 'vitest'
import {
  type Connection,
  type Conversation,
  type FollowUp,
  type RunEnd,
  type Session,
  converse,
  message,
} from '../../../core/plugin/contract/index.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { type TestSession, openSession } from '../../helpers/session-io.ts'

const COMPLETE: RunEnd = { kind: 'complete', success: true }

/** Says what it hears; `bye` is its end. What people say goes to the program. */
class Parrot implements Conversation<readonly string[]> {
  readonly connection: Connection
  heard: readonly string[]
  readonly calls: string[] = []
  readonly sent: string[] = []

  constructor(connection: Connection, memory: readonly string[] = []) {
    this.connection = connection
    this.heard = memory
  }

  save(): readonly string[] {
    return this.heard
  }

  begin(): void {
    this.calls.push('begin')
    void this.connection.write('hello\n')
  }

  hear(line: string): void {
    this.heard = [...this.heard, line]
    this.connection.say(message({ type: 'text', content: line }))
    if (line === 'bye') this.connection.end(COMPLETE)
  }

  follow({ content }: FollowUp): void {
    this.sent.push(content)
    void this.connection.write(`${content}\n`)
  }

  stop(): void {
    this.calls.push('stop')
  }

  quit(): void {
    this.calls.push('quit')
    this.connection.signal('SIGTERM')
  }

  withdraw(): void {
    this.calls.push('withdraw')
  }

  finish(): undefined {
    this.calls.push('finish')
  }

  unheard(): readonly string[] {
    return this.sent.filter((said) => !this.heard.includes(said))
  }
}

interface Run {
  readonly session: TestSession
  readonly end: Promise<RunEnd>
  readonly checkpoints: unknown[]
  readonly parrot: () => Parrot | undefined
}

interface Changes {
  readonly session?: Partial<Session>
  readonly committed?: () => Promise<void>
  readonly followUps?: AsyncIterable<FollowUp>
}

function begin(script: string, { session: change, committed, followUps }: Changes = {}): Run {
  const session = openSession({ workDir: '/tmp', env: { PATH: '/usr/bin:/bin' } })
  const checkpoints: unknown[] = []
  const io = {
    ...session.io,
    checkpoint: (state: unknown) => void checkpoints.push(structuredClone(state)),
    ...(committed && { committed }),
    ...(followUps && { followUps }),
  }
  let parrot: Parrot | undefined
  const end = converse<readonly string[]>(makeSession('parrot', change), io, {
    command: { program: 'sh', args: ['-c', script], stdin: 'live' },
    names: { title: 'Parrot', program: 'parrot', install: 'Install it.' },
    version: 3,
    converse: (connection, memory) => (parrot = new Parrot(connection, memory)),
  })
  return { session, end, checkpoints, parrot: () => parrot }
}

test('it begins, hears, and ends the program when it is at its end', async () => {
  const { session, end, parrot, checkpoints } = begin('read line; echo $line; echo oops >&2; echo bye; exec sleep 60')
  await using _ = session
  expect(await end).toEqual(COMPLETE)
  expect(session.messages).toContainEqual({ type: 'raw', stream: 'stderr', content: 'oops' })
  expect(parrot()?.heard).toEqual(['hello', 'bye'])
  expect(parrot()?.calls).toEqual(['begin', 'withdraw', 'quit', 'finish', 'withdraw'])
  expect(checkpoints.at(-1)).toMatchObject({ version: 3, memory: ['hello', 'bye'], end: COMPLETE, stderr: 'oops' })
})

test('a program that does not end when it is asked to is ended', async () => {
  const { session, end } = begin(`trap '' TERM; echo bye; while :; do sleep 1; done`)
  await using _ = session
  expect(await end).toEqual(COMPLETE)
  expect(session.descendants()).toEqual([])
})

test('the program is not asked to end before that is remembered', async () => {
  const gate = Promise.withResolvers<void>()
  const { session, end, parrot } = begin('echo bye; exec sleep 60', { committed: () => gate.promise })
  await using _ = session
  await session.heard((said) => said.type === 'text')
  await new Promise((resolve) => setImmediate(resolve))
  expect(parrot()?.calls).not.toContain('quit')
  gate.resolve()
  expect(await end).toEqual(COMPLETE)
})

test('a program that ends by itself is an error, with what it printed', async () => {
  const { session, end } = begin('echo sorry >&2; exit 3')
  await using _ = session
  expect(await end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringMatching(/exit code 3.*sorry/) })
})

test('a stop interrupts, and ends the program after a moment', async () => {
  const { session, end, parrot } = begin('echo ready; exec sleep 60')
  await using _ = session
  await session.heard((said) => said.type === 'text')
  session.stop()
  expect(await end).toEqual({ kind: 'stopped' })
  expect(parrot()?.calls).toEqual(['begin', 'stop', 'withdraw', 'finish', 'withdraw'])
})

test('a stop while the program is being started interrupts it once it runs', async () => {
  const { session, end, parrot } = begin('exec sleep 60')
  await using _ = session
  session.stop()
  expect(await end).toEqual({ kind: 'stopped' })
  expect(parrot()?.calls.slice(0, 2)).toEqual(['begin', 'stop'])
  expect(session.descendants()).toEqual([])
})

test('a stop that comes after its end changes nothing', async () => {
  const gate = Promise.withResolvers<void>()
  const { session, end, parrot } = begin('echo bye; exec sleep 60', { committed: () => gate.promise })
  await using _ = session
  await session.heard((said) => said.type === 'text')
  session.stop()
  gate.resolve()
  expect(await end).toEqual(COMPLETE)
  expect(parrot()?.calls).not.toContain('stop')
})

test('what the program prints after its end is heard, and does not change it', async () => {
  const { session, end, parrot } = begin(`trap 'echo more; exit 3' TERM; echo bye; while :; do sleep 0.05; done`)
  await using _ = session
  expect(await end).toEqual(COMPLETE)
  expect(parrot()?.heard).toEqual(['bye', 'more'])
})

test('what changes because nothing came in time is remembered', async () => {
  const { session, end, checkpoints, parrot } = begin('echo ready; exec sleep 60')
  await using _ = session
  await session.heard((said) => said.type === 'text')
  const talk = parrot()
  talk?.connection.within(1, () => (talk.heard = ['nothing']))
  await expect.poll(() => checkpoints.at(-1)).toMatchObject({ memory: ['nothing'] })
  session.stop()
  await end
})

test('people are not kept waiting by a program that does not read, and get back what it did not hear', async () => {
  const { session, end, parrot } = begin('exec sleep 60')
  await using _ = session
  const long = 'x'.repeat(1024 * 1024) // More than a pipe holds.
  session.say(long)
  session.say('short')
  await expect.poll(() => parrot()?.sent.length).toBe(2)
  session.kill()
  expect(await end).toMatchObject({ code: 'AGENT_EXITED', unheard: [long, 'short'] })
})

test('what people said before a crash is not passed on twice', async () => {
  async function* followUps() {
    yield { id: 'before', content: 'before' }
    yield { id: 'after', content: 'after' }
  }
  const checkpoint = { version: 3, heard: true, stderr: '', missed: [], memory: ['before'], lastFollowUp: 'before' }
  const { session, end, parrot } = begin('read hello; read said; echo $said; echo bye; exec sleep 60', {
    session: { checkpoint },
    followUps: followUps(),
  })
  await using _ = session
  expect(await end).toEqual(COMPLETE)
  expect(parrot()?.heard).toEqual(['before', 'after', 'bye'])
})

test('what people say is passed on, and handed back when the program did not hear it', async () => {
  const { session, end } = begin('read hello; read one; echo $one; read two; exit 3')
  await using _ = session
  session.say('one')
  await session.heard((said) => said.type === 'text' && said.content === 'one')
  session.say('two')
  expect(await end).toMatchObject({ code: 'AGENT_EXITED', unheard: ['two'] })
})

test('what people say when it is at its end is not passed on but handed back', async () => {
  const gate = Promise.withResolvers<void>()
  const { session, end, checkpoints, parrot } = begin('echo bye; exec sleep 60', { committed: () => gate.promise })
  await using _ = session
  await session.heard((said) => said.type === 'text')
  session.say('too late')
  await expect.poll(() => checkpoints.at(-1)).toMatchObject({ missed: ['too late'] })
  gate.resolve()
  expect(await end).toEqual({ ...COMPLETE, unheard: ['too late'] })
  expect(parrot()?.sent).toEqual([])
})

test('it goes on with what it remembered', async () => {
  const checkpoint = { version: 3, heard: true, stderr: '', missed: ['before'], memory: ['hello'] }
  const { session, end, parrot } = begin('echo bye; exec sleep 60', { session: { checkpoint } })
  await using _ = session
  expect(await end).toEqual({ ...COMPLETE, unheard: ['before'] })
  expect(parrot()?.heard).toEqual(['hello', 'bye'])
})

test('one that was at its end goes on with the end', async () => {
  const checkpoint = { version: 3, heard: true, stderr: '', missed: [], memory: [], end: COMPLETE }
  const { session, end, parrot } = begin('exec sleep 60', { session: { checkpoint } })
  await using _ = session
  expect(await end).toEqual(COMPLETE)
  expect(parrot()?.calls).not.toContain('begin')
})

test('what another version remembered is not gone on with, and no program is started', async () => {
  const { session, end } = begin('exit 1', { session: { checkpoint: { version: 2 } } })
  await using _ = session
  expect(await end).toMatchObject({ code: 'AGENT_FAILED', retryable: true })
  expect(session.commands).toEqual([])
})
