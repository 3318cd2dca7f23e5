import { Command } from 'commander'
import { expect, it } from 'vitest'
import type { UnitTask } from '../../../../core/contract/records.ts'
import { taskStatus } from '../../../../core/contract/statuses.ts'
import { addTaskCommands } from '../../../../hosts/cli/commands/task.ts'
import { nextSteps } from '../../../../hosts/cli/render/next-steps.ts'

const task = (fields: Partial<UnitTask>): UnitTask => ({
  id: 'aaaaaaaa-0000-7000-8000-00000000000a',
  createdAt: '2027-01-01T00:00:00.000Z',
  updatedAt: '2027-01-01T00:00:00.000Z',
  repositoryGroupId: 'g',
  agentTaskId: 'a',
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

const program = new Command('troupe')
addTaskCommands(program, async () => {})
const known = new Set(program.commands[0]?.commands.map((command) => `troupe task ${command.name()}`))

it.each(taskStatus.options)('what is suggested for a task that is %s are commands that there are', (status) => {
  const steps = [
    ...nextSteps(task({ status, waitingFor: 'input' })),
    ...nextSteps(task({ status, comparisonId: 'c' })),
    ...nextSteps(task({ status }), false),
  ]
  expect(steps.length).toBeGreaterThan(0)
  for (const [command] of steps) expect(known).toContain(command.split(' ').slice(0, 3).join(' '))
})

it('what has nothing to merge is not to be merged', () => {
  const message = 'The branch troupe/x changed nothing, so there is nothing to merge.'
  const refused = nextSteps(task({ status: 'approved', error: { code: 'TASK_NO_CHANGES', message } }))
  expect(refused.map(([command]) => command.split(' ')[2])).toEqual(['changes', 'reject'])
})
