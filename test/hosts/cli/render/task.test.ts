import { expect, it } from 'vitest'
import type { UnitTask } from '../../../../core/contract/records.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'
import { comparisonHead } from '../../../../hosts/cli/render/comparison.ts'
import { taskHead, taskLines } from '../../../../hosts/cli/render/task.ts'
import { displayWidth } from '../../../../hosts/cli/render/width.ts'

const WORDS = 'make it faster than it was before, and '.repeat(4)

const task: UnitTask = {
  id: 'aaaaaaaa-0000-7000-8000-00000000000a',
  createdAt: '2027-01-01T00:00:00.000Z',
  updatedAt: '2027-01-01T00:00:00.000Z',
  repositoryGroupId: 'g',
  agentTaskId: 'a',
  title: WORDS,
  prompt: WORDS,
  status: 'failed',
  agent: 'claude-code',
  permissionMode: 'accept_edits',
  sandbox: 'process',
  baseBranch: 'release-of-next-year',
  branchName: 'troupe/make-it-faster-than-it-was-before-0000000a',
  error: { code: 'AGENT_EXITED', message: WORDS },
}

const terminal = makeStyle({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }, () => Date.parse(task.createdAt))
const file = makeStyle({}, {})

it('fits a terminal', () => {
  for (const line of [...taskHead(task, terminal), ...taskLines(task, terminal), ...comparisonHead([task], terminal)]) {
    expect(displayWidth(line), line).toBeLessThanOrEqual(80)
  }
  expect(taskHead(task, terminal)).toEqual([
    expect.stringMatching(/^◆ 0000000a {2}make .*…$/),
    '  claude-code · accept_edits · process ·',
    '  troupe/make-it-faster-than-it-was-before-0000000a',
  ])
  expect(taskLines(task, terminal).join('\n')).toMatch(/\n {2}error {11}AGENT_EXITED: make .*\n {18}\S/)
})

it('is whole where nobody looks', () => {
  expect(taskHead(task, file)).toHaveLength(2)
  expect(taskLines(task, file).join('\n')).toContain(`AGENT_EXITED: ${WORDS.trim()}\n`)
})
