/** What a person can do with a task now: commands with its real id. */
import { plainLine } from './sanitize.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { shortId } from './format.ts'
import type { Style } from './style.ts'
import { displayWidth, padEnd } from './width.ts'

export type Step = readonly [command: string, what: string]

/** @param hasChanges false when the task changed nothing, so that there is nothing to merge; default: if nobody has found so */
export function nextSteps(task: UnitTask, hasChanges = task.error?.code !== 'TASK_NO_CHANGES'): Step[] {
  const id = shortId(task.id)
  const look: Step = [`troupe task diff ${id}`, 'see what changed']
  const logs: Step = [`troupe task logs ${id}`, 'read what the agent said and did']
  switch (task.status) {
    case 'draft':
      return [[`troupe task start ${id}`, 'let the agent begin']]
    case 'queued':
    case 'in_progress':
      return [
        ...(task.waitingFor === 'input'
          ? [[`troupe task answer ${id}`, 'answer the question of the agent'] as const]
          : []),
        [`troupe task logs -f ${id}`, 'watch it'],
        [`troupe task stop ${id}`, 'stop it'],
      ]
    case 'in_review':
      if (task.comparisonId !== undefined) return [...(hasChanges ? [look] : []), ...attemptSteps(id)]
      return [
        ...(hasChanges ? [look, [`troupe task approve ${id}`, 'the work is good: approve it ...'] as const] : []),
        ...(hasChanges ? [[`troupe task commit ${id}`, `... and merge it into ${task.baseBranch}`] as const] : []),
        ...verdictSteps(id),
      ]
    case 'approved':
      if (!hasChanges) return verdictSteps(id)
      return [
        look,
        [`troupe task commit ${id}`, `merge it into ${task.baseBranch}`],
        [`troupe task pr ${id}`, 'or push it and open a pull request'],
        [`troupe task changes ${id} "..."`, 'send it back, for example to take in what is new on the base branch'],
      ]
    case 'pr_open':
      return [
        [`troupe task done ${id}`, 'it was merged there'],
        [`troupe task changes ${id} "..."`, 'send it back with what to change'],
      ]
    case 'failed':
    case 'stopped':
    case 'rejected':
      return [
        ...(hasChanges && task.status !== 'rejected'
          ? [look, [`troupe task approve ${id}`, 'its work is good as it is'] as const]
          : []),
        logs,
        [`troupe task retry ${id}`, 'try again, with what the agent knows already'],
      ]
    case 'done':
      return [[`troupe task rm ${id}`, 'remove its worktree and log']]
    default:
      return []
  }
}

const verdictSteps = (id: string): Step[] => [
  [`troupe task changes ${id} "..."`, 'send it back with what to change'],
  [`troupe task reject ${id}`, 'throw it away'],
]

const attemptSteps = (id: string): Step[] => [
  [`troupe task compare ${id}`, 'see it beside the other attempts'],
  [`troupe task choose ${id}`, 'it is the best: approve it and reject the others'],
  [`troupe task changes ${id} "..."`, 'send it back with what to change'],
]

export function nextStepLines(steps: readonly Step[], style: Style): string[] {
  if (steps.length === 0) return []
  const width = Math.max(...steps.map(([command]) => displayWidth(command)))
  const lines = steps.map(
    ([command, what]) =>
      `  ${style.paint('cyan', command)}${padEnd('', width - displayWidth(command))}  ${style.paint('dim', plainLine(what))}`,
  )
  return [style.paint('bold', 'Next'), ...lines]
}
