import { expect, it } from 'vitest'
import { questionLines } from '../../../../hosts/cli/render/question.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'

const style = makeStyle({ isTTY: true, columns: 80 }, { NO_COLOR: '1' })
const plan = (lines: number) => ({
  kind: 'plan' as const,
  question: Array.from({ length: lines }, (_, at) => `Step ${at + 1}.`).join('\n'),
})

it('shows the whole of a plan', () => {
  const lines = questionLines(plan(120), style)
  expect(lines.slice(0, 2)).toEqual(['┌ Plan to approve', '│ Step 1.'])
  expect(lines.slice(-2)).toEqual(['│ Step 120.', '└'])
})

it('is not flooded', () => {
  expect(questionLines(plan(20_000), style).slice(-2)).toEqual(['│ … 19700 more lines', '└'])
})
