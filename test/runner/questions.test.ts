import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { questionIdOf, Questions } from '../../core/runner/questions.ts'

describe('a question', () => {
  test('has one id for a key within its session, and another without a key each time', () => {
    const [one, other] = [newId(), newId()]
    expect(questionIdOf(one, 'permission 3')).toBe(questionIdOf(one, 'permission 3'))
    expect(questionIdOf(one, 'permission 3')).not.toBe(questionIdOf(other, 'permission 3'))
    expect(questionIdOf(one, undefined)).not.toBe(questionIdOf(one, undefined))
  })

  test('is settled by an answer that comes later, whoever waits for it', async () => {
    const questions = new Questions()
    questions.open('q')
    const waiting = [questions.answerTo('q'), questions.answerTo('q')]
    expect(questions.waiting).toBe(2)
    questions.answer('q', 'Yes')
    expect(await Promise.all(waiting)).toEqual(['Yes', 'Yes'])
    expect(questions.waiting).toBe(0)
  })

  test('is what an earlier host has made of it: open, answered or withdrawn', async () => {
    const questions = new Questions([
      { id: 'open', status: 'pending' },
      { id: 'answered', status: 'answered', answer: 'No' },
      { id: 'withdrawn', status: 'withdrawn' },
    ])
    expect(await questions.answerTo('answered')).toBe('No')
    await expect(questions.answerTo('withdrawn')).rejects.toMatchObject({ code: 'ABORTED' })
    const later = questions.answerTo('open')
    questions.answer('open', 'Yes')
    expect(await later).toBe('Yes')
  })

  test('that is withdrawn takes no answer any more', async () => {
    const questions = new Questions()
    questions.open('q')
    expect([questions.withdraw('q'), questions.withdraw('q')]).toEqual([true, false])
    questions.answer('q', 'Yes')
    await expect(questions.answerTo('q')).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
