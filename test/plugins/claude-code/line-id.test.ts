/** The ids of the lines that go into Claude Code. */
import { describe, expect, it } from 'vitest'
import { toLineId } from '../../../plugins/claude-code/line-id.ts'

describe('the id of a line', () => {
  it('is a UUID, the same for the same name', () => {
    expect(toLineId('session/prompt')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(toLineId('session/prompt')).toBe(toLineId('session/prompt'))
    expect(toLineId('session/prompt')).not.toBe(toLineId('other/prompt'))
  })

  it('is the name itself where that is a UUID', () => {
    expect(toLineId('0193c0de-0000-7000-8000-000000000001')).toBe('0193c0de-0000-7000-8000-000000000001')
  })
})
