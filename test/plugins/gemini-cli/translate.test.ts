/** What recorded output of Gemini CLI becomes, line by line. */
import { describe, expect, it } from 'vitest'
import { type JsonObject, asObject, parseObject } from 'troupe/plugin'
import { translate, usageOf } from '../../../plugins/gemini-cli/translate.ts'
import { itSaysTheSameHoweverCut, itWithstandsDamage, linesOf } from '../../helpers/recordings.ts'
import { hearAll, tell } from '../acp/hear-all.ts'

/** What each recording says, without deltas. */
const STORIES = {
  work: 'thinking toolUse:run_shell_command toolResult:run_shell_command toolUse:write_file toolResult:write_file text',
  denied: 'toolUse:run_shell_command text failed:run_shell_command',
  plan: 'text',
  quota: '',
} as const

function hear(lines: readonly string[]) {
  for (const line of lines) usageOf(asObject(parseObject(line)?.['result']) ?? {})
  return hearAll(lines, translate)
}

describe('a recorded session of Gemini CLI', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(hear(linesOf('gemini-cli', name)).flatMap(tell).join(' ')).toBe(story)
  })

  itSaysTheSameHoweverCut(hear, 'gemini-cli', 'work')

  itWithstandsDamage(hear, 'gemini-cli', Object.keys(STORIES))
})

describe('an update of Gemini CLI', () => {
  it.each<JsonObject>([{ sessionUpdate: 'hologram' }, { sessionUpdate: 'tool_call' }, {}])(
    'of an unknown kind stays: %o',
    (said) => {
      expect(translate(said)).toEqual(said)
    },
  )

  it('that only says its mode says nothing', () => {
    const words = (text: string) => ({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })
    expect(translate(words('[MODE_UPDATE] plan'))).toBeUndefined()
    expect(translate(words('It printed [MODE_UPDATE] plan.'))).toBeDefined()
  })
})
