/** What became of messages to Claude Code, without a program. */
import { describe, expect, it } from 'vitest'
import { Prompts } from '../../../plugins/claude-code/prompts.ts'
import type { Fate } from '../../../plugins/claude-code/state.ts'

/** A task's prompt that was taken up, and two follow-ups. */
function makePrompts(): Prompts {
  const prompts = new Prompts()
  prompts.add('task')
  prompts.note('task', 'started')
  prompts.add('one', 'One')
  prompts.add('two', 'Two')
  return prompts
}

const note = (prompts: Prompts, id: string, ...fates: Fate[]) => {
  for (const fate of fates) prompts.note(id, fate)
}

describe('a follow-up', () => {
  it('that was dropped before its turn began was not heard, and is not waited for', () => {
    const prompts = makePrompts()
    note(prompts, 'one', 'queued', 'dropped')
    note(prompts, 'two', 'queued', 'started')
    prompts.settleTurn()
    expect(prompts.waiting).toBe(false)
    expect(prompts.unheard()).toEqual(['One'])
  })

  it('that was dropped in its turn was heard', () => {
    const prompts = makePrompts()
    note(prompts, 'one', 'started', 'dropped')
    note(prompts, 'two', 'started', 'completed')
    prompts.settleTurn()
    expect(prompts.unheard()).toEqual([])
  })

  it('that was never taken up was not heard', () => {
    const prompts = makePrompts()
    prompts.settleTurn()
    expect(prompts.waiting).toBe(true)
    expect(prompts.unheard()).toEqual(['One', 'Two'])
  })

  it('counts as heard with a version that reports nothing', () => {
    const prompts = new Prompts()
    prompts.add('task')
    prompts.beginTurn()
    prompts.add('one', 'One')
    prompts.settleTurn()
    expect(prompts.unheard()).toEqual([])
  })
})

describe('the prompt of the task', () => {
  it('that was dropped is no follow-up for another session', () => {
    const prompts = new Prompts()
    prompts.add('task')
    prompts.note('task', 'dropped')
    expect(prompts.unheard()).toEqual([])
  })
})

describe('a follow-up that comes again after a crash', () => {
  it('is not waited for when Claude Code has told its fate before', () => {
    const prompts = new Prompts()
    prompts.add('task')
    note(prompts, 'task', 'started', 'completed')
    note(prompts, 'again', 'queued', 'started')
    prompts.settleTurn()
    const continued = new Prompts(prompts.save())
    continued.add('again', 'Again')
    expect([continued.waiting, continued.unheard()]).toEqual([false, []])
  })

  it('is waited for when Claude Code has it in its queue', () => {
    const prompts = new Prompts()
    note(prompts, 'again', 'queued')
    prompts.add('again', 'Again')
    prompts.settleTurn()
    expect(prompts.waiting).toBe(true)
  })

  it('is not looked for among all fates there ever were', () => {
    const prompts = new Prompts()
    for (let number = 0; number < 100; number++) prompts.note(String(number), 'completed')
    expect(prompts.save().early.length).toBeLessThan(10)
  })
})
