/** What became of messages to Codex, without a program. */
import { describe, expect, it } from 'vitest'
import { Sayings } from '../../../plugins/codex-cli/sayings.ts'

const ids = (said: readonly { readonly id: string }[]): string[] => said.map(({ id }) => id)

/** A task's prompt that is in its turn, and two follow-ups of which one is accepted for it. */
function makeSayings(): Sayings {
  const sayings = new Sayings()
  sayings.add({ id: 'prompt', followUp: false })
  sayings.accept('prompt', 'turn-1')
  sayings.hear('prompt')
  sayings.add({ id: 'one', text: 'One', followUp: true })
  sayings.add({ id: 'two', text: 'Two', followUp: true })
  sayings.accept('one', 'turn-1')
  return sayings
}

describe('a follow-up', () => {
  it('that its turn did not hear is to be said again', () => {
    const sayings = makeSayings()
    expect(ids(sayings.endTurn('turn-1'))).toEqual(['one'])
    expect(ids(sayings.sent())).toEqual(['one', 'two'])
    expect(sayings.waiting).toBe(true)
  })

  it('that was heard is not waited for, and is handed back to nobody', () => {
    const sayings = makeSayings()
    sayings.hear('one')
    sayings.hear('two')
    expect(sayings.endTurn('turn-1')).toEqual([])
    expect(sayings.waiting).toBe(false)
    expect(sayings.unheard()).toEqual([])
  })

  it('that was refused is handed back', () => {
    const sayings = makeSayings()
    sayings.hear('one')
    sayings.accept('two', undefined)
    expect(sayings.waiting).toBe(false)
    expect(sayings.unheard()).toEqual(['Two'])
  })

  it('of which Codex tells before it is handed over again is not said again', () => {
    const sayings = new Sayings(new Sayings().save())
    sayings.accept('one', 'turn-1')
    sayings.hear('two')
    expect(sayings.add({ id: 'one', text: 'One', followUp: true })).toBe(false)
    expect(sayings.add({ id: 'two', text: 'Two', followUp: true })).toBe(false)
    expect(sayings.add({ id: 'three', text: 'Three', followUp: true })).toBe(true)
    sayings.hear('one')
    expect(ids(sayings.sent())).toEqual(['three'])
  })

  it('is bounded in number when nobody ever hands it over', () => {
    const sayings = new Sayings()
    for (let number = 0; number < 1000; number++) sayings.hear(String(number))
    expect(sayings.save().length).toBeLessThan(20)
  })
})
