import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { taskStatus } from '../../core/contract/statuses.ts'
import { taskColumns } from '../../core/machines/columns.ts'
import type { ActorEvent } from '../../core/machines/effects.ts'
import { firstStep, nextStep, type ActorState, type Step } from '../../core/machines/step.ts'
import type { TaskContext } from '../../core/machines/task-events.ts'
import { explore, reaching } from './explore.ts'

/** What the task shows. */
function columnsOf(state: ActorState) {
  if (state.machine !== 'unitTask') throw new Error('not a task')
  return taskColumns(state)
}

const input = { taskId: 't', prompt: 'do it', totalMs: 0 }
const question = { questionId: 'q', kind: 'question', question: 'which?' }
const sessionOf = (step: Step) => (step.state.context as TaskContext).sessionId ?? 'none'

const userEvents: ActorEvent[] = [
  { type: 'start' },
  { type: 'stop' },
  { type: 'approve' },
  { type: 'reject' },
  { type: 'choose', others: ['t2', 't3'] },
  { type: 'passOver' },
  { type: 'retry', fresh: false },
  { type: 'retry', fresh: true },
  { type: 'changes', prompt: 'more' },
  { type: 'merge', strategy: 'merge' },
  { type: 'markDone' },
  { type: 'editPrompt', prompt: 'other' },
  { type: 'pullRequestOpened', url: 'https://example.invalid/1' },
  { type: 'answered', questionId: 'q', answer: 'A', by: 'local' },
]
const ended = (sessionId: string, outcome: string, more: object = {}): ActorEvent => ({
  type: 'session.ended',
  sessionId,
  outcome,
  started: true,
  agentSessionId: 'conversation',
  ...more,
})
const systemEvents = (sessionId: string): ActorEvent[] => [
  { type: 'assign', sessionId: `${sessionId}+`, workerId: 'w' },
  { type: 'session.prepared', sessionId, worktreePath: '/w', baseCommit: 'abc' },
  { type: 'session.waiting', sessionId },
  { type: 'session.working', sessionId },
  ...['completed', 'failed', 'stopped', 'lost'].map((outcome) => ended(sessionId, outcome)),
  ended(sessionId, 'lost', { openQuestion: question }),
  { type: 'merged', commit: 'c', endCommit: 'e' },
  { type: 'mergeRefused', error: { code: 'MERGE_CONFLICT', message: 'no' } },
]
const allEvents = (step: Step) => [...userEvents, ...systemEvents(sessionOf(step))]

const run = (events: readonly ActorEvent[]): Step =>
  events.reduce<Step>(
    (step, event) => {
      const next = nextStep('unitTask', step.snapshot, event)
      if (!next) throw new Error(`${event.type} was refused in ${JSON.stringify(step.state.value)}`)
      return next
    },
    firstStep('unitTask', input),
  )

const running = [{ type: 'start' }, { type: 'assign', sessionId: 's1', workerId: 'w' }]

describe('the unit task machine', () => {
  const states = explore('unitTask', input, allEvents)
  const statusOf = (key: string) => columnsOf(states.get(key)!.step.state).status

  test('reaches every status', () => {
    expect(new Set([...states.keys()].map(statusOf))).toEqual(new Set(taskStatus.options))
  })

  test('leaves no state stuck: done can be reached from each', () => {
    const reached = reaching(states, (key) => statusOf(key) === 'done')
    expect([...states.keys()].filter((key) => !reached.has(key))).toEqual([])
  })

  test('can be stopped in every status that is not at rest', () => {
    const atRest = ['stopped', 'failed', 'rejected', 'done']
    const stuck = [...states].filter(([key, { edges }]) => !atRest.includes(statusOf(key)) && !edges.has('stop'))
    expect(stuck.map(([key]) => key)).toEqual([])
  })

  test('keeps its promises under any sequence of events', () => {
    const anyEvent = fc.constantFrom(
      ...userEvents.keys(),
      ...systemEvents('s')
        .keys()
        .map((n) => n + 100),
    )
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (picks) => {
        let step = firstStep('unitTask', input)
        let live: string | undefined
        for (const [index, pick] of picks.entries()) {
          const event = pick < 100 ? userEvents[pick]! : { ...systemEvents(sessionOf(step))[pick - 100]!, nth: index }
          const next = nextStep('unitTask', step.snapshot, event)
          if (!next) continue
          const spawned = next.records.filter((record) => record.type === 'spawn')
          expect(spawned.length).toBe(event.type === 'assign' ? 1 : 0)
          if (event.type === 'session.ended') live = undefined
          if (spawned.length > 0) {
            expect(live).toBeUndefined() // at most one live session
            live = sessionOf(next)
          }
          expect(columnsOf(next.state).status === 'in_progress').toBe(live !== undefined)
          expect(JSON.stringify(JSON.parse(next.snapshot))).toBe(next.snapshot)
          step = next
        }
      }),
      { numRuns: 300 },
    )
  })

  test('starts a session with its prompt when a worker takes it', () => {
    const step = run(running)
    expect(step.records).toMatchObject([
      { type: 'spawn', params: { id: 's1', input: { prompt: 'do it', workerId: 'w' } } },
    ])
    expect(step.records).toMatchObject([{ params: { input: { resume: undefined } } }])
  })

  test("resumes the agent's conversation when changes are requested", () => {
    const step = run([
      ...running,
      ended('s1', 'completed'),
      { type: 'changes', prompt: 'more' },
      { type: 'assign', sessionId: 's2', workerId: 'w' },
    ])
    expect(step.records).toMatchObject([{ params: { input: { prompt: 'more', resume: 'conversation' } } }])
  })

  test('goes on after a lost session, and gives up when that happens three times in a row', () => {
    const lose = (n: number) => [{ type: 'assign', sessionId: `s${n}`, workerId: 'w' }, ended(`s${n}`, 'lost')]
    const twice = [{ type: 'start' }, ...lose(1), ...lose(2)]
    expect(columnsOf(run(twice).state).status).toBe('queued')
    expect(columnsOf(run([...twice, ...lose(3)]).state)).toMatchObject({
      status: 'failed',
      error: { code: 'SESSION_LOST' },
    })
  })

  test('never gives up because a host was stopped on purpose', () => {
    const error = { code: 'ABORTED', message: 'The host was stopped.' }
    const restart = (n: number) => [
      { type: 'assign', sessionId: `s${n}`, workerId: 'w' },
      ended(`s${n}`, 'lost', { error }),
    ]
    expect(columnsOf(run([{ type: 'start' }, ...[1, 2, 3, 4, 5].flatMap(restart)]).state).status).toBe('queued')
  })

  test('repeats the prompt when the lost session never heard it', () => {
    const step = run([
      ...running,
      ended('s1', 'completed'),
      { type: 'changes', prompt: 'more' },
      { type: 'assign', sessionId: 's2', workerId: 'w' },
      ended('s2', 'lost', { started: false }),
      { type: 'assign', sessionId: 's3', workerId: 'w' },
    ])
    expect(step.records).toMatchObject([{ params: { input: { prompt: 'more', resume: 'conversation' } } }])
  })

  test('keeps the question of a lost session and starts the next one with its answer', () => {
    const waiting = run([...running, ended('s1', 'lost', { openQuestion: question })])
    expect(columnsOf(waiting.state)).toMatchObject({ status: 'queued', waitingFor: 'input' })
    expect(nextStep('unitTask', waiting.snapshot, { type: 'assign', sessionId: 's2', workerId: 'w' })).toBeUndefined()
    const answered = nextStep('unitTask', waiting.snapshot, {
      type: 'answered',
      questionId: 'q',
      answer: 'blue',
      by: 'local',
    })!
    expect(answered.records).toContainEqual({
      type: 'recordAnswer',
      params: expect.objectContaining({ answer: 'blue' }),
    })
    const next = nextStep('unitTask', answered.snapshot, { type: 'assign', sessionId: 's2', workerId: 'w' })!
    expect(next.records).toMatchObject([
      { params: { input: { prompt: expect.stringContaining('blue'), resume: 'conversation' } } },
    ])
  })

  test('goes on with what people said too late for the session', () => {
    const step = run([
      ...running,
      ended('s1', 'completed', { unheard: ['and add tests'] }),
      { type: 'assign', sessionId: 's2', workerId: 'w' },
    ])
    expect(step.records).toMatchObject([{ params: { input: { prompt: 'and add tests', resume: 'conversation' } } }])
    const retried = run([
      ...running,
      ended('s1', 'failed', { unheard: ['and add tests'] }),
      { type: 'retry', fresh: false },
      { type: 'assign', sessionId: 's2', workerId: 'w' },
    ])
    expect(retried.records).toMatchObject([
      { params: { input: { prompt: expect.stringMatching(/go on.*\n\nand add tests$/s) } } },
    ])
    const later = run([...running, ended('s1', 'completed'), { type: 'followUp', prompt: 'and docs' }])
    expect(columnsOf(later.state).status).toBe('queued')
  })

  test('keeps what was said too late wherever the task has got to, until a session hears it', () => {
    const late = { type: 'followUp', prompt: 'and docs' }
    const heard = (events: readonly ActorEvent[]) => {
      const [spawned] = run([...events, { type: 'assign', sessionId: 's9', workerId: 'w' }]).records
      return spawned?.type === 'spawn' ? spawned.params.input.prompt : undefined
    }
    expect(heard([...running, late, ended('s1', 'completed')])).toBe('and docs')
    expect(heard([...running, late, ended('s1', 'lost', { started: false })])).toBe('do it\n\nand docs')
    // The next session was given it, and was lost before it began.
    const next = { type: 'assign', sessionId: 's2', workerId: 'w' }
    expect(heard([...running, late, ended('s1', 'completed'), next, ended('s2', 'lost', { started: false })])).toBe(
      'and docs',
    )
    expect(heard([...running, ended('s1', 'stopped'), late, { type: 'changes', prompt: 'more' }])).toBe(
      'more\n\nand docs',
    )
    expect(heard([...running, ended('s1', 'failed'), late, { type: 'retry', fresh: true }])).toBe('do it\n\nand docs')
    const pullRequest = [{ type: 'approve' }, { type: 'pullRequestOpened', url: 'https://forge.test/1' }]
    const more = { type: 'changes', prompt: 'more' }
    expect(heard([...running, ended('s1', 'completed'), ...pullRequest, late, more])).toBe('more\n\nand docs')
    const rejected = [ended('s1', 'completed'), { type: 'reject' }]
    expect(heard([...running, ...rejected, late, { type: 'retry', fresh: true }])).toBe('do it\n\nand docs')
    // So with changes whose session failed before it began.
    const changes = [ended('s1', 'completed'), { type: 'changes', prompt: 'more' }]
    const failed = [next, ended('s2', 'failed', { started: false }), { type: 'retry', fresh: false }]
    expect(heard([...running, ...changes, ...failed])).toBe('more')
    const lost = ended('s1', 'lost', { openQuestion: question, unheard: ['and tests'] })
    const answer = { type: 'answered', questionId: 'q', answer: 'blue', by: 'local' }
    expect(heard([...running, lost, late, answer])).toMatch(/blue.*\n\nand tests\n\nand docs$/s)
  })

  test('withdraws the question of a lost session when no other session will come', () => {
    const lost = (n: number, more = {}) => [
      { type: 'assign', sessionId: `s${n}`, workerId: 'w' },
      ended(`s${n}`, 'lost', more),
    ]
    const withdrawn = { type: 'withdrawQuestions', params: { questionIds: ['q'] } }
    const givenUp = run([{ type: 'start' }, ...lost(1), ...lost(2), ...lost(3, { openQuestion: question })])
    expect(givenUp.records).toContainEqual(withdrawn)
    const stopped = run([...running, { type: 'stop' }, ended('s1', 'lost', { openQuestion: question })])
    expect(stopped.records).toContainEqual(withdrawn)
    expect(run([...running, ended('s1', 'lost', { openQuestion: question })]).records).toEqual([])
  })

  test('is done with a warning when a folder could not follow the merge', () => {
    const merging = [...running, ended('s1', 'completed'), { type: 'approve' }, { type: 'merge', strategy: 'merge' }]
    const merged = { type: 'merged', commit: 'c', endCommit: 'e' }
    expect(columnsOf(run([...merging, { ...merged, leftBehind: [] }]).state)).toMatchObject({
      status: 'done',
      error: null,
    })
    const behind = columnsOf(run([...merging, { ...merged, leftBehind: ['/home/me/project'] }]).state)
    expect(behind).toMatchObject({ status: 'done', mergeCommit: 'c', error: { code: 'MERGE_BLOCKED' } })
    expect(behind.error?.message).toContain('/home/me/project')
  })

  test('ignores what an earlier session still says', () => {
    const step = run(running)
    expect(nextStep('unitTask', step.snapshot, ended('s0', 'completed'))).toBeUndefined()
  })

  test('is stopped however its session ends once it was told to stop', () => {
    for (const outcome of ['completed', 'failed', 'stopped', 'lost']) {
      expect(columnsOf(run([...running, { type: 'stop' }, ended('s1', outcome)]).state).status).toBe('stopped')
    }
  })

  test('begins queued, from a commit that is given, when it is made so', () => {
    const step = firstStep('unitTask', { ...input, start: true, baseCommit: 'abc' })
    expect(columnsOf(step.state)).toMatchObject({ status: 'queued', waitingFor: 'worker', baseCommit: 'abc' })
    expect(step.effects).toEqual([{ type: 'requestWorker', params: { taskId: 't' } }])
    expect(columnsOf(firstStep('unitTask', { ...input, start: false }).state).status).toBe('draft')
  })

  test('passes the others over when it is chosen, as often as it is chosen', () => {
    const choose = { type: 'choose', others: ['t2', 't3'] }
    const sends = ['t2', 't3'].map((to) => ({ type: 'send', params: { to, event: { type: 'passOver' } } }))
    const chosen = run([...running, ended('s1', 'completed'), choose])
    expect(columnsOf(chosen.state).status).toBe('approved')
    expect(chosen.effects).toEqual(sends)
    const again = nextStep('unitTask', chosen.snapshot, choose)
    expect(again && columnsOf(again.state).status).toBe('approved')
    expect(again?.effects).toEqual(sends)
    for (const early of [[], [{ type: 'start' }], running, [...running, ended('s1', 'failed')]]) {
      expect(nextStep('unitTask', run(early).snapshot, choose)).toBeUndefined()
    }
  })

  test('is rejected when it is passed over, after its session has ended however it ends, unless it was approved', () => {
    const passOver = { type: 'passOver' }
    const open = [
      [],
      [{ type: 'start' }],
      ...['completed', 'failed', 'stopped'].map((how) => [...running, ended('s1', how)]),
    ]
    for (const events of open) expect(columnsOf(run([...events, passOver]).state).status).toBe('rejected')
    const asking = run([...running, ended('s1', 'lost', { openQuestion: question }), passOver])
    expect(columnsOf(asking.state)).toMatchObject({ status: 'rejected', waitingFor: null })
    expect(asking.records).toEqual([{ type: 'withdrawQuestions', params: { questionIds: ['q'] } }])
    for (const events of [running, [...running, { type: 'stop' }]]) {
      const passed = run([...events, passOver])
      expect(columnsOf(passed.state).status).toBe('in_progress')
      expect(passed.effects).toEqual([{ type: 'send', params: { to: 's1', event: { type: 'stop' } } }])
      for (const outcome of ['completed', 'failed', 'stopped', 'lost']) {
        const over = run([...events, passOver, { type: 'stop' }, ended('s1', outcome)])
        expect(columnsOf(over.state).status).toBe('rejected')
      }
    }
    const approved = run([...running, ended('s1', 'completed'), { type: 'approve' }])
    expect(nextStep('unitTask', approved.snapshot, passOver)).toBeUndefined()
  })

  test('keeps why a merge was refused and can be merged again', () => {
    const approved = [...running, ended('s1', 'completed'), { type: 'approve' }]
    const refused = [
      ...approved,
      { type: 'merge', strategy: 'squash' },
      { type: 'mergeRefused', error: { code: 'MERGE_CONFLICT', message: 'no' } },
    ]
    expect(columnsOf(run(refused).state)).toMatchObject({ status: 'approved', error: { code: 'MERGE_CONFLICT' } })
    const merged = run([
      ...refused,
      { type: 'merge', strategy: 'merge' },
      { type: 'merged', commit: 'c', endCommit: 'e' },
    ])
    expect(columnsOf(merged.state)).toMatchObject({ status: 'done', mergeCommit: 'c', endCommit: 'e', error: null })
  })
})
