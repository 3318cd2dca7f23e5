/** A host that dies at once, or is stopped while agents work, and the one that comes after it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { UnitTask } from '../../core/contract/records.ts'
import { processesWith } from '../helpers/processes.ts'
import { openTroupe, type Troupe } from '../helpers/troupe.ts'
import { isAtRest, lastingPidsOf, linesOf, logOf, markerOf, pidOf, sessionsOf } from './agents-at-work.ts'

/** Prints `line 1`, `line 2`, ... until it is told that it is enough. */
const COUNT = 'n=0; until test -e enough; do n=$((n+1)); echo line $n; sleep 0.05; done; rm enough; echo counted'
const COUNTING = 'until test -e enough'

async function beginCounting(troupe: Troupe) {
  const repository = await troupe.lab.repository()
  await troupe.start()
  const { id } = await troupe.addTask(repository, { prompt: COUNT, agent: 'command' })
  const task = await troupe.until(id, ({ worktreePath }) => worktreePath !== undefined)
  const { sessionId = '' } = task
  await untilLines(troupe, sessionId, 3)
  const pids = await lastingPidsOf(task, COUNTING)
  expect(pids.length).toBeGreaterThan(0)
  return { task, sessionId, pids }
}

const untilLines = (troupe: Troupe, sessionId: string, count: number) =>
  expect.poll(async () => linesOf(await logOf(troupe, sessionId)).length).toBeGreaterThanOrEqual(count)

const tellEnough = ({ worktreePath = '' }: UnitTask) => writeFileSync(join(worktreePath, 'enough'), '')

/** Everything that a session says, once and in its order. */
async function expectWhole(troupe: Troupe, sessionId: string): Promise<void> {
  const log = await logOf(troupe, sessionId)
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  const lines = linesOf(log)
  expect(lines).toEqual([...lines.slice(0, -1).map((_, index) => `line ${index + 1}`), 'counted'])
  expect(log.filter(({ type }) => type !== 'text').map(({ type }) => type)).toEqual([
    'start',
    'userMessage',
    'toolUse',
    'toolResult',
    'complete',
  ])
}

test('an agent outlives its killed host, and the next one: the same process goes on, every line once', async () => {
  await using troupe = await openTroupe()
  const { task, sessionId, pids } = await beginCounting(troupe)
  for (const _ of ['first', 'second']) {
    await troupe.stop('SIGKILL')
    await troupe.start()
  }
  await untilLines(troupe, sessionId, linesOf(await logOf(troupe, sessionId)).length + 3)
  expect(await lastingPidsOf(task, COUNTING)).toEqual(pids)
  tellEnough(task)
  expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review', sessionId })
  await expectWhole(troupe, sessionId)
  expect(processesWith(markerOf(task))).toEqual([])
})

test('an agent that ends while no host is there has its end in its files: nothing is lost', async () => {
  await using troupe = await openTroupe()
  const { task, sessionId } = await beginCounting(troupe)
  await troupe.stop('SIGKILL')
  tellEnough(task)
  await expect.poll(() => processesWith(markerOf(task))).toEqual([])
  await troupe.start()
  expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review', sessionId })
  await expectWhole(troupe, sessionId)
})

test('an agent that was killed with its host is lost, with all that it had said, and its task goes on', async () => {
  await using troupe = await openTroupe()
  const { task, sessionId } = await beginCounting(troupe)
  await troupe.stop('SIGKILL')
  // Stopped first: wrapper and program end without a word, as with their machine.
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    for (const line of processesWith(markerOf(task))) process.kill(pidOf(line), signal)
  }
  await expect.poll(() => processesWith(markerOf(task))).toEqual([])
  tellEnough(task)
  await troupe.start()
  expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review' })
  const [lost, next] = await sessionsOf(troupe, task)
  expect([lost?.outcome, next?.outcome]).toEqual(['lost', 'completed'])
  const log = await logOf(troupe, sessionId)
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  const lines = linesOf(log)
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
  expect(log.at(-1)).toMatchObject({ type: 'error', code: 'SESSION_LOST', retryable: true })
})

test('a deliberate stop ends the agents, whose tasks go on, or leaves them at work for the next host', async () => {
  await using troupe = await openTroupe()
  const { task, sessionId, pids } = await beginCounting(troupe)
  troupe.configure('[shutdown]\nsessions = "leave"\n')
  await troupe.stop('SIGTERM')
  expect(await lastingPidsOf(task, COUNTING)).toEqual(pids)
  await troupe.start()
  await untilLines(troupe, sessionId, linesOf(await logOf(troupe, sessionId)).length + 3)
  troupe.configure('[shutdown]\nsessions = "end"\n')
  await troupe.stop('SIGTERM')
  expect(processesWith(markerOf(task))).toEqual([])
  await troupe.start()
  tellEnough(task)
  expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review' })
  expect((await sessionsOf(troupe, task)).map(({ outcome }) => outcome)).toEqual(['lost', 'completed'])
  const lines = linesOf(await logOf(troupe, sessionId))
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
})

test('short commands leave agents of a killed host at work, reach them, and stop them', async () => {
  await using troupe = await openTroupe()
  const { task, sessionId, pids } = await beginCounting(troupe)
  await troupe.stop('SIGKILL')
  for (const args of [
    ['task', 'ls'],
    ['task', 'show', task.id],
    ['task', 'logs', task.id],
    ['task', 'send', task.id, 'and docs'],
  ]) {
    const result = await troupe.run(args)
    expect([args, result.code, result.stderr]).toEqual([args, 0, ''])
  }
  expect(await lastingPidsOf(task, COUNTING)).toEqual(pids)
  const stopped = await troupe.run(['task', 'stop', task.id])
  expect([stopped.code, stopped.stderr]).toEqual([0, ''])
  expect(processesWith(markerOf(task))).toEqual([])
  await troupe.start()
  expect(await troupe.until(task.id, 'stopped')).toMatchObject({ sessionId })
  const log = await logOf(troupe, sessionId)
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  expect(log.at(-2)).toMatchObject({ type: 'userMessage', content: 'and docs' })
  expect(log.at(-1)).toMatchObject({ type: 'complete', success: false })
})

test('a run that nobody reads any more is stopped, not run again later', async () => {
  await using troupe = await openTroupe()
  const repository = await troupe.lab.repository()
  const child = troupe.spawn(
    ['run', 'for n in $(seq 600); do echo $n; sleep 0.1; done', '--agent', 'command', '--json'],
    {
      cwd: repository.path,
    },
  )
  await new Promise((settle) => child.stdout?.once('data', settle))
  child.stdout?.destroy()
  await new Promise((settle) => child.once('exit', settle))
  const { tasks } = JSON.parse((await troupe.run(['task', 'ls', '--json'])).stdout) as { tasks: { status: string }[] }
  expect(tasks).toMatchObject([{ status: 'stopped' }])
})

test('a second host on one data directory is refused with the name of the first', async () => {
  await using troupe = await openTroupe()
  await troupe.start()
  const second = await troupe.run(['up', '--port', '0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/HOST_ALREADY_RUNNING/)
  expect(second.stderr).toMatch(/pid \d+/)
})
