import { expect, test } from 'vitest'
import { parseObject } from '../../core/plugin/contract/json.ts'

const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`

test('a line that is nested too deeply for any message is no object, so that it is told as it is and the session goes on', () => {
  expect(parseObject(nested(500))).toBeDefined()
  expect(parseObject(nested(502))).toBeUndefined()
  expect(parseObject(nested(100_000))).toBeUndefined()
})
