/** Sessions that go on: after the death of their plugin's thread, and of their host. With real threads and processes. */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { makeSession, TestIo } from '../helpers/plugin-io.ts'
import { processesWith } from '../helpers/processes.ts'
import { openFixtureHost } from '../plugin/setup.ts'
import { type Hosts, openHosts } from './hosts.ts'

const processesOf = ({ sessionId }: Hosts) => processesWith(`TROUPE_SESSION_ID=${sessionId}`)

/** Every log: whole, and begun and ended once. */
async function expectWhole(hosts: Hosts): Promise<void> {
  const log = await hosts.log()
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  expect(log.filter(({ type }) => type === 'start' || type === 'complete').map(({ seq }) => seq)).toEqual([
    1,
    log.length,
  ])
  expect(hosts.ended).toMatchObject({ outcome: 'completed' })
  expect(processesOf(hosts)).toEqual([])
}

describe('a session whose thread dies', () => {
  test('goes on with the same process, and says everything once', async () => {
    await using hosts = await openHosts()
    await hosts.start('echo $$; echo one; echo die; echo two; read -r word; echo heard $word')
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'hello', by: 'x' })
    await hosts.untilReported('ended')
    const [pid, ...rest] = await hosts.texts()
    expect(Number(pid)).toBeGreaterThan(1)
    expect(rest).toEqual(['one', 'two', 'heard hello'])
    await expectWhole(hosts)
  })

  test('begins in another one when another session has ended the thread before it had begun', async () => {
    await using plugins = await openFixtureHost({ limits: { unresponsiveMs: 3_000 } })
    await using hosts = await openHosts({ plugins })
    await using culprit = new TestIo()
    const signal = new AbortController().signal
    const end = plugins.run({ session: makeSession('neighbour'), io: culprit, signal })
    await expect.poll(() => culprit.messages.length).toBe(1)
    culprit.say('spin')
    await hosts.start('work', { agent: 'neighbour' })
    expect(await end).toMatchObject({ kind: 'interrupted' })
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'end', by: 'x' })
    await hosts.untilReported('ended')
    await expectWhole(hosts)
  })

  test('keeps its question, which is asked once, and its answer', async () => {
    await using hosts = await openHosts()
    await hosts.start('echo ask port; echo die; read -r port; echo "port $port"')
    await hosts.untilReported('asked')
    const [question] = hosts.questions
    await hosts.runner.answer(hosts.sessionId, { questionId: question!.id, answer: '80', by: 'x' })
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['port 80'])
    expect(hosts.reports.map(({ type }) => type)).not.toContain('withdrawn')
    const asked = (await hosts.log()).filter(({ type }) => type.startsWith('user')).map(({ type }) => type)
    expect(asked).toEqual(['userMessage', 'userQuestion', 'userAnswer'])
    await expectWhole(hosts)
  })
})

describe('a session that its host has left', () => {
  test('goes on with the next one, also when a question was answered in between', async () => {
    await using hosts = await openHosts()
    const script = 'echo one; echo ask port; read -r port; echo "port $port"; read -r word; echo "heard $word"'
    await hosts.start(script)
    await hosts.untilReported('asked')
    const before = processesOf(hosts)
    await hosts.next('leave')
    expect(processesOf(hosts)).toEqual(before)
    await hosts.recover(script)
    await hosts.next('leave')
    Object.assign(hosts.questions[0]!, { status: 'answered', answer: '80' })
    await hosts.recover(script)
    await hosts.untilTexts(['one', 'port 80'])
    expect(processesOf(hosts)).toEqual(before)
    expect(hosts.questions.length).toBe(1)
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'hello', by: 'x' })
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['one', 'port 80', 'heard hello'])
    await expectWhole(hosts)
  })

  test('is lost when that host was killed while it wrote to the agent, which can take no more', async () => {
    await using hosts = await openHosts()
    const script = 'echo one; read -r word; echo "heard $word"'
    await hosts.start(script)
    await hosts.untilTexts(['one'])
    await hosts.next('leave')
    await writeFile(join(hosts.folder, '0', 'in.part'), '') // as one leaves it
    await hosts.recover(script)
    await hosts.untilReported('ended')
    expect(hosts.ended).toMatchObject({ outcome: 'lost' })
    expect(processesOf(hosts)).toEqual([])
  })

  test('takes an answer or a message once, though the engine delivers it again after a crash', async () => {
    await using hosts = await openHosts()
    const script =
      'echo ask port; read -r port; echo "port $port"; read -r word; echo "heard $word"; read -r more; echo "$more"'
    await hosts.start(script)
    await hosts.untilReported('asked')
    const answer = { questionId: hosts.questions[0]!.id, answer: '80', by: 'x' }
    await hosts.runner.answer(hosts.sessionId, answer)
    await hosts.next('leave')
    Object.assign(hosts.questions[0]!, { status: 'answered', answer: '80' })
    await hosts.recover(script)
    await hosts.runner.answer(hosts.sessionId, answer)
    await hosts.untilTexts(['port 80'])
    const message = { id: newId(), content: 'hello', by: 'x' }
    expect(await hosts.runner.send(hosts.sessionId, message)).toBe(true)
    await hosts.next('leave')
    await hosts.recover(script)
    expect(await hosts.runner.send(hosts.sessionId, message)).toBe(true)
    await hosts.untilTexts(['port 80', 'heard hello'])
    expect(await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'bye', by: 'x' })).toBe(true)
    await hosts.untilReported('ended')
    const said = (await hosts.log()).filter(({ type }) => type.startsWith('user')).map(({ type }) => type)
    expect(said).toEqual(['userMessage', 'userQuestion', 'userAnswer', 'userMessage', 'userMessage'])
    await expectWhole(hosts)
  })

  test('takes an answer or a message once, though the engine delivers it again while it is still being stored', async () => {
    await using hosts = await openHosts()
    await hosts.start('echo ask port; read -r port; echo "port $port"; read -r word; echo "heard $word"; read -r end')
    await hosts.untilReported('asked')
    const answer = { questionId: hosts.questions[0]!.id, answer: '80', by: 'x' }
    await Promise.all([1, 2].map(() => hosts.runner.answer(hosts.sessionId, answer)))
    const message = { id: newId(), content: 'hello', by: 'x' }
    const taken = await Promise.all([1, 2].map(() => hosts.runner.send(hosts.sessionId, message)))
    expect(taken).toEqual([true, true])
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'bye', by: 'x' })
    await hosts.untilReported('ended')
    const said = (await hosts.log()).filter(({ type }) => type.startsWith('user')).map(({ type }) => type)
    expect(said).toEqual(['userMessage', 'userQuestion', 'userAnswer', 'userMessage', 'userMessage'])
    await expectWhole(hosts)
  })

  test('does not take an answer that is being stored when it ends', async () => {
    await using hosts = await openHosts()
    await hosts.start('echo ask port; read -r port; echo "port $port"')
    await hosts.untilReported('asked')
    const answer = { questionId: hosts.questions[0]!.id, answer: '80', by: 'x' }
    const taken = hosts.runner.answer(hosts.sessionId, answer)
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve() // It is on its way to the log, and no timer runs.
    await hosts.next('end')
    expect(await taken).toBe(false)
    expect((await hosts.log()).map(({ type }) => type)).toContain('userAnswer')
    expect(hosts.ended).toMatchObject({ outcome: 'lost' })
  })

  test('is kept by a host that drives nobody: it takes messages for the next one', async () => {
    await using hosts = await openHosts()
    const script = 'echo one; read -r word; echo "heard $word"'
    await hosts.start(script)
    await hosts.untilTexts(['one'])
    await hosts.next('leave', { drives: false })
    await hosts.start(script)
    expect(await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'hello', by: 'x' })).toBe(true)
    expect(await hosts.texts()).toEqual(['one'])
    await hosts.next('end')
    await hosts.recover(script)
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['one', 'heard hello'])
    await expectWhole(hosts)
  })

  test('is ended by a host that drives nobody when it is told to stop', async () => {
    await using hosts = await openHosts()
    await hosts.start('echo one; sleep 600')
    await hosts.untilTexts(['one'])
    await hosts.next('leave', { drives: false })
    await hosts.start('echo one; sleep 600')
    await hosts.runner.stop(hosts.sessionId)
    await hosts.untilReported('ended')
    expect(hosts.ended).toMatchObject({ outcome: 'stopped' })
    expect(processesOf(hosts)).toEqual([])
  })

  test('is lost when its files are gone, with what nobody had heard, and its processes are ended', async () => {
    await using hosts = await openHosts()
    const script = 'echo one; trap "" TERM; sleep 600'
    await hosts.start(script)
    await hosts.untilTexts(['one'])
    await hosts.next('leave', { drives: false })
    await hosts.start(script)
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'and docs', by: 'x' })
    await hosts.next('end')
    expect(processesOf(hosts)).not.toEqual([])
    await rm(hosts.folder, { recursive: true })
    await hosts.recover(script)
    await hosts.untilReported('ended')
    expect(hosts.ended).toMatchObject({ outcome: 'lost', error: { code: 'SESSION_LOST' }, unheard: ['and docs'] })
    expect(processesOf(hosts)).toEqual([])
  })
})

describe('a start after a crash', () => {
  test('begins a session that had not begun', async () => {
    await using hosts = await openHosts()
    await hosts.recover('echo one')
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['one'])
    await expectWhole(hosts)
  })

  test('loses a session that had started something and said nothing: nobody knows what was done', async () => {
    await using hosts = await openHosts()
    await mkdir(join(hosts.folder, '0'), { recursive: true })
    await hosts.recover('echo one')
    await hosts.untilReported('ended')
    expect(hosts.ended).toMatchObject({ outcome: 'lost' })
    expect((await hosts.log()).map(({ type }) => type)).toEqual(['start', 'userMessage', 'error'])
  })

  test('loses a session whose host was killed while it ended it, and ends what is left', async () => {
    await using hosts = await openHosts()
    await hosts.start('trap "" TERM; echo one; sleep 600')
    await hosts.untilTexts(['one'])
    await hosts.next('leave')
    await hosts.recover('', { progress: '{"offsets":[{"stdout":4,"stderr":0}],"checkpoint":{},"abandoned":true}' })
    await hosts.untilReported('ended')
    expect(hosts.ended).toMatchObject({ outcome: 'lost' })
    expect(processesOf(hosts)).toEqual([])
  })

  test('removes what is left of sessions that are over, and nothing else', async () => {
    await using hosts = await openHosts()
    const over = join(hosts.folder, '..', newId())
    await mkdir(over)
    await hosts.recover('echo one; read -r word; echo $word')
    await hosts.untilTexts(['one'])
    await expect.poll(() => existsSync(over)).toBe(false)
    await hosts.runner.send(hosts.sessionId, { id: newId(), content: 'two', by: 'x' })
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['one', 'two'])
  })
})
