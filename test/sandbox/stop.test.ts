import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, findLeft, finish, isAlive, openBench, readUntil, waitFor } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

/** Starts a script that prints the ids of what it started and then `ready`; answers the ids. */
async function start(script: string) {
  const running = await bench.sandbox.spawn(bench.script(script))
  const text = await readUntil(running, 'ready')
  return { running, pids: (text.match(/\d+/g) ?? []).map(Number) }
}

const expectGone = async (pids: readonly number[]) => {
  expect(pids.length).toBeGreaterThan(0)
  for (const pid of pids) expect(await isAlive(pid)).toBe(false)
}

test('a program that handles SIGTERM ends in its own way', async () => {
  const { running } = await start('trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done')
  expect(await running.stop()).toEqual({ code: 3 })
  expect((await finish(running)).stdout).toContain('bye')
})

test('a program that ignores SIGTERM is killed after its grace', async () => {
  const { running } = await start('trap "" TERM; echo ready; while :; do sleep 0.05; done')
  expect(await running.stop(200)).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('a program ends although somebody has stopped what watches over it', async () => {
  const request = bench.script('echo $PPID; echo ready; read line; exit 3', { stdin: 'live' })
  await using running = await bench.sandbox.spawn(request)
  const wrapper = Number.parseInt(await readUntil(running, 'ready'), 10)
  process.kill(wrapper, 'SIGSTOP')
  await running.write('end\n')
  expect(await running.exited).toEqual({ code: 3 })
})

test('a descendant that forked twice into a session of its own and ignores SIGTERM is gone', async () => {
  const daemon = `trap "" TERM; echo $$; echo ready; while :; do sleep 0.05; done`
  const { running, pids } = await start(`(setsid sh -c '${daemon}' & ) ; sleep 300`)
  await running.stop(200)
  await expectGone(pids)
})

test('a descendant without the environment of the agent is found as long as its parents live', async () => {
  const bare = `echo $$; echo ready; while :; do sleep 0.05; done`
  const { running, pids } = await start(`setsid env -i /bin/sh -c 'trap "" TERM; ${bare}' & sleep 300`)
  await running.stop(200)
  await expectGone(pids)
})

test('processes that start others while they die are all gone', async () => {
  const respawn =
    'on_term() { sh "$0" again & sleep 300 & exit; }; trap on_term TERM; echo ready; while :; do sleep 0.05; done'
  const program = await bench.file('respawn.sh', `#!/bin/sh\n${respawn}\n`)
  await using running = await bench.sandbox.spawn(bench.request(program))
  await readUntil(running, 'ready')
  await running.stop(300)
  expect(await findLeft(bench.root)).toEqual([])
})

test('a chain of processes, each of which starts the next and ends, is broken', async () => {
  const program = await bench.file('hop.sh', '#!/bin/sh\necho ready\nsleep 0.01\n"$0" &\n')
  await using running = await bench.sandbox.spawn(bench.request(program))
  await running.exited
  await running.stop(0)
  expect(await findLeft(bench.root)).toEqual([])
})

test('what a program leaves behind at its own end is ended by stop', async () => {
  const { running, pids } = await start('setsid sleep 300 & echo $!; echo ready')
  expect(await running.exited).toEqual({ code: 0 })
  expect(await isAlive(pids[0]!)).toBe(true)
  expect(await running.stop()).toEqual({ code: 0 })
  await expectGone(pids)
})

test('stop may be called twice, and by disposal', async () => {
  const { running } = await start('echo ready; sleep 300')
  const [first, second] = await Promise.all([running.stop(), running.stop()])
  expect(first).toEqual(second)
  await running[Symbol.asyncDispose]()
})

test('stopping one leaves its neighbour alone', async () => {
  const first = await start('echo ready; sleep 300')
  const second = await start('sleep 300 & echo $!; echo ready; wait')
  await first.running.stop()
  expect(await isAlive(second.pids[0]!)).toBe(true)
  await second.running.stop()
  await expectGone(second.pids)
})

test('a signal goes to the program and not to what it started', async () => {
  const child = `trap "" HUP; trap "echo child hit" INT; while :; do sleep 0.05; done`
  const script = `setsid sh -c '${child}' & trap "echo program hit" INT; echo ready; while :; do sleep 0.05; done`
  const { running } = await start(script)
  await running.signal('SIGINT')
  expect(await readUntil(running, 'program hit')).not.toContain('child hit')
  await running.stop(0)
  expect((await finish(running)).stdout).not.toContain('child hit')
})

test('a signal is not ignored by a program that does not handle it', async () => {
  const running = await bench.sandbox.spawn(bench.request('sleep', ['300']))
  await running.signal('SIGINT')
  expect(await running.exited).toEqual({ code: null, signal: 'SIGINT' })
  await running.signal('SIGTERM')
  await running.stop()
})

test('30 stopped at once are all gone', async () => {
  const all = await Promise.all(
    Array.from({ length: 30 }, () => bench.sandbox.spawn(bench.script('setsid sleep 300 & sleep 300'))),
  )
  await Promise.all(all.map((running) => running.stop()))
  await waitFor(async () => (await findLeft(bench.root)).length === 0 || undefined)
})
