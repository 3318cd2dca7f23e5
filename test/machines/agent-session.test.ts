import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sessionStatus } from '../../core/contract/statuses.ts'
import { sessionColumns } from '../../core/machines/columns.ts'
import type { ActorEvent } from '../../core/machines/effects.ts'
import { firstStep, nextStep, type ActorState, type Step } from '../../core/machines/step.ts'
import { explore, reaching } from './explore.ts'

/** What the session shows. */
function columnsOf(state: ActorState) {
  if (state.machine !== 'agentSession') throw new Error('not a session')
  return sessionColumns(state)
}

const input = { sessionId: 's', taskId: 't', workerId: 'w', prompt: 'do it', totalMs: 60_000 }
const asked = (questionId: string): ActorEvent => ({
  type: 'asked',
  question: { questionId, kind: 'question', question: 'which?' },
})
const answered = (questionId: string): ActorEvent => ({ type: 'answered', questionId, answer: 'A', by: 'local' })

const events: ActorEvent[] = [
  { type: 'preparing' },
  { type: 'prepared', worktreePath: '/w', baseCommit: 'abc' },
  { type: 'started', agentSessionId: 'conversation' },
  asked('q1'),
  asked('q2'),
  answered('q1'),
  answered('q2'),
  { type: 'withdrawn', questionId: 'q1' },
  { type: 'message', content: 'hello', by: 'local' },
  { type: 'stop' },
  { type: 'totalTimeout' },
  ...['completed', 'failed', 'stopped', 'lost'].map((outcome) => ({ type: 'ended', outcome })),
]

const run = (list: readonly ActorEvent[]): Step =>
  list.reduce<Step>(
    (step, event) => {
      const next = nextStep('agentSession', step.snapshot, event)
      if (!next) throw new Error(`${event.type} was refused in ${JSON.stringify(step.state.value)}`)
      return next
    },
    firstStep('agentSession', input),
  )

const started: ActorEvent[] = [{ type: 'preparing' }, { type: 'started', agentSessionId: 'conversation' }]
const told = (step: Step) => step.effects.flatMap((effect) => (effect.type === 'send' ? [effect.params.event] : []))

describe('the agent session machine', () => {
  const states = explore('agentSession', input, () => events)
  const statusOf = (key: string) => columnsOf(states.get(key)!.step.state).status

  test('reaches every status', () => {
    expect(new Set([...states.keys()].map(statusOf))).toEqual(new Set(sessionStatus.options))
  })

  test('can be stopped whenever it is live, and ends from every state', () => {
    const live = [...states].filter(([, { step }]) => !step.state.done)
    expect(live.filter(([, { edges }]) => !edges.has('stop'))).toEqual([])
    const reached = reaching(states, (key) => states.get(key)!.step.state.done)
    expect(reached.size).toBe(states.size)
  })

  test('tells its task of its end exactly once, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (list) => {
        let step = firstStep('agentSession', input)
        let ends = 0
        for (const event of list) {
          const next = nextStep('agentSession', step.snapshot, event)
          if (!next) continue
          ends += told(next).filter(({ type }) => type === 'session.ended').length
          expect(ends).toBe(next.state.done ? 1 : 0)
          step = next
        }
      }),
      { numRuns: 300 },
    )
  })

  test('asks for its start and bounds its life when it is made', () => {
    const step = firstStep('agentSession', input)
    expect(step.effects).toEqual([{ type: 'startSession', params: { sessionId: 's' } }])
    expect(step.deadlines).toMatchObject([{ key: 'total', delayMs: 60_000, event: { type: 'totalTimeout' } }])
    expect(firstStep('agentSession', { ...input, totalMs: 0 }).deadlines).toEqual([])
  })

  test('waits until the last of its questions is answered', () => {
    const two = [...started, asked('q1'), asked('q2')]
    expect(columnsOf(run([...two, answered('q1')]).state).status).toBe('awaiting_input')
    expect(columnsOf(run([...two, answered('q1'), answered('q2')]).state).status).toBe('running')
    expect(nextStep('agentSession', run([...two, answered('q1')]).snapshot, answered('q1'))).toBeUndefined()
  })

  test('records an answer in the same step, delivers it, and then tells its task that it works again', () => {
    const step = run([...started, asked('q1'), answered('q1')])
    expect(step.records).toEqual([{ type: 'recordAnswer', params: { questionId: 'q1', answer: 'A', by: 'local' } }])
    expect(step.effects).toEqual([
      { type: 'deliverAnswer', params: { sessionId: 's', questionId: 'q1', answer: 'A', by: 'local' } },
      { type: 'send', params: { to: 't', event: { type: 'session.working', sessionId: 's' } } },
    ])
  })

  test('tells its task that it waits no more when its time is over', () => {
    const step = run([...started, asked('q1'), { type: 'totalTimeout' }])
    expect(told(step)).toContainEqual({ type: 'session.working', sessionId: 's' })
  })

  test('withdraws its open questions when it ends, but leaves the last one open when it is lost', () => {
    const two = [...started, asked('q1'), asked('q2')]
    const failed = run([...two, { type: 'ended', outcome: 'failed' }])
    expect(failed.records).toEqual([{ type: 'withdrawQuestions', params: { questionIds: ['q1', 'q2'] } }])
    const lost = run([...two, { type: 'ended', outcome: 'lost' }])
    expect(lost.records).toEqual([{ type: 'withdrawQuestions', params: { questionIds: ['q1'] } }])
    expect(told(lost).at(-1)).toMatchObject({ type: 'session.ended', openQuestion: { questionId: 'q2' } })
  })

  test('fails with the reason when it ran out of time, however the runner saw it end', () => {
    const step = run([...started, { type: 'totalTimeout' }, { type: 'ended', outcome: 'stopped' }])
    expect(columnsOf(step.state)).toMatchObject({ status: 'failed', error: { code: 'AGENT_TIMEOUT' } })
  })

  test('does not wait for ever for a stop', () => {
    const step = run([...started, { type: 'stop' }])
    expect(step.effects).toContainEqual({ type: 'stopSession', params: { sessionId: 's' } })
    const [bound] = step.deadlines
    const next = nextStep('agentSession', step.snapshot, bound!.event)!
    expect(columnsOf(next.state)).toMatchObject({ status: 'failed', error: { code: 'PROCESS_LEFT' } })
  })
})
