import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Outbox } from '../../core/plugin/outbox.ts'
import type { Batch } from '../../core/plugin/protocol.ts'

const MOMENT_MS = 1000

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** An outbox whose batches are committed as soon as they are sent. */
function makeOutbox() {
  const sent: (readonly string[])[] = []
  const send = async ({ messages }: Batch) => void sent.push(messages)
  return { outbox: new Outbox({ send, progress: () => ({ offsets: [] }) }), sent }
}

/** One that has sent the first checkpoint. */
async function openOutbox() {
  const { outbox, sent } = makeOutbox()
  outbox.touch()
  await turns()
  sent.length = 0
  return { outbox, sent }
}

async function turns(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await turn()
}

test('the first checkpoint leaves at once: with it the session can be continued', async () => {
  const { outbox, sent } = makeOutbox()
  void outbox.add('a')
  await turns()
  outbox.touch()
  await turns()
  expect(sent).toEqual([['a'], []])
})

test('a checkpoint without messages leaves with the next ones', async () => {
  const { outbox, sent } = await openOutbox()
  outbox.touch()
  await turns()
  expect(sent).toEqual([])
  void outbox.add('a')
  await turns()
  vi.advanceTimersByTime(MOMENT_MS)
  await turns()
  expect(sent).toEqual([['a']])
})

test('a checkpoint without messages leaves a moment later when there are none', async () => {
  const { outbox, sent } = await openOutbox()
  outbox.touch()
  vi.advanceTimersByTime(MOMENT_MS)
  await turns()
  expect(sent).toEqual([[]])
})

test('a checkpoint does not leave sooner because a batch before it was committed', async () => {
  const { outbox, sent } = await openOutbox()
  void outbox.add('a')
  outbox.rest()
  outbox.touch()
  await turns()
  expect(sent).toEqual([['a']])
  vi.advanceTimersByTime(MOMENT_MS)
  await turns()
  expect(sent).toEqual([['a'], []])
})

test('a checkpoint for whose commit somebody waits leaves at once', async () => {
  const { outbox, sent } = await openOutbox()
  outbox.touch()
  await outbox.committed()
  expect(sent).toEqual([[]])
})

test('a checkpoint leaves at once when the session is over', async () => {
  const { outbox, sent } = await openOutbox()
  outbox.touch()
  await outbox.drained()
  expect(sent).toEqual([[]])
})

test('who waits for a commit waits for the checkpoint that came while another batch was under way', async () => {
  const { outbox, sent } = await openOutbox()
  void outbox.add('a')
  outbox.rest()
  outbox.touch()
  await outbox.committed()
  expect(sent).toEqual([['a'], []])
})
