import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../../../core/contract/methods/comparisons.ts'
import type { UnitTask } from '../../../../core/contract/records.ts'
import { attemptNames, comparisonLines } from '../../../../hosts/cli/render/comparison.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'

const task = (fields: Partial<UnitTask>): UnitTask => ({
  id: 'aaaaaaaa-0000-7000-8000-00000000000a',
  createdAt: '2027-01-01T00:00:00.000Z',
  updatedAt: '2027-01-01T00:00:00.000Z',
  repositoryGroupId: 'g',
  agentTaskId: 'a',
  comparisonId: 'c',
  title: 'Make it faster',
  prompt: 'Make it faster',
  status: 'in_review',
  agent: 'claude-code',
  permissionMode: 'full',
  sandbox: 'process',
  baseBranch: 'main',
  branchName: 'troupe/x',
  ...fields,
})

const plain = makeStyle({}, {})
const show = (...attempts: Attempt[]) => comparisonLines({ id: 'c', attempts }, plain)
const diff = { files: 2, additions: 10, deletions: 3 }

describe('the names of attempts', () => {
  it('are as short as tells them apart', () => {
    const names = (...tasks: Partial<UnitTask>[]) => attemptNames(tasks.map(task))
    expect(names({}, { agent: 'codex-cli', model: 'gpt' })).toEqual(['claude-code', 'codex-cli'])
    expect(names({ model: 'opus' }, {}, { agent: 'amp' })).toEqual(['claude-code:opus', 'claude-code', 'amp'])
    expect(names({ model: 'opus' }, { model: 'opus', permissionMode: 'plan' })).toEqual([
      'claude-code:opus (full)',
      'claude-code:opus (plan)',
    ])
  })
})

describe('attempts side by side', () => {
  it('have a dash where a figure is not known', () => {
    const usage = { inputTokens: 12_345, outputTokens: 678, costUsd: 1.5 }
    const lines = show(
      { task: task({}), diff, usage, workingMs: 95_000 },
      { task: task({ id: 'bbbbbbbb', agent: 'amp', status: 'failed' }), workingMs: 0 },
    )
    expect(lines).toContain('0000000a  claude-code  in_review  2 files +10 -3  12.3k in, 678 out  $1.50  1m 35s')
    expect(lines).toContain('bbbbbbbb  amp          failed     -               -                  -      -')
  })

  it('come with what can be done now', () => {
    const commands = (...attempts: Attempt[]) =>
      show(...attempts).flatMap((line) => /troupe task ([a-z -]+?) \w{8}/.exec(line)?.[1] ?? [])
    const other = { id: 'bbbbbbbb', agent: 'amp' }
    const ready = { task: task({}), diff, workingMs: 1 }
    const unchanged = { task: task(other), diff: { files: 0, additions: 0, deletions: 0 }, workingMs: 1 }
    expect(commands(ready, unchanged)).toEqual(['diff', 'choose', 'logs'])
    const asking = { task: task({ ...other, status: 'in_progress', waitingFor: 'input' }), workingMs: 1 }
    expect(commands(ready, asking)).toEqual(['answer', 'diff', 'choose', 'compare'])
    const stopped = { task: task({ ...other, status: 'stopped' }), workingMs: 1 }
    expect(commands(stopped)).toEqual(['logs'])
    const approved = { task: task({ ...other, status: 'approved' }), workingMs: 1 }
    expect(commands(stopped, approved)).toEqual(['commit'])
    expect(commands({ ...unchanged, ...approved })).toEqual(['changes'])
    expect(commands(unchanged)).toEqual(['logs'])
    expect(commands({ task: task({ status: 'done' }), workingMs: 1 })).toEqual([])
  })

  it('let nothing of an agent or a person reach the terminal but text', () => {
    const lines = show({ task: task({ title: 'a\u001B[31mb', model: '\u0007x' }), workingMs: 1 })
    expect(lines.join('')).not.toMatch(/\p{Cc}/u)
  })

  it('fit the terminal', () => {
    const terminal = makeStyle({ isTTY: true, columns: 80 }, { NO_COLOR: '1' })
    const long = { task: task({ model: 'm'.repeat(100) }), diff, workingMs: 1 }
    const lines = comparisonLines({ id: 'c', attempts: [long, { ...long, task: task({ id: 'b' }) }] }, terminal)
    expect(lines.find((line) => line.startsWith('0000000a'))?.length).toBeLessThanOrEqual(80)
  })
})
