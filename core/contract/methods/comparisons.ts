/** Comparisons: the same prompt as several attempts, of which one is chosen. */
import { z } from 'zod'
import { method } from '../method.ts'
import { id, unitTask } from '../records.ts'
import { usage } from '../messages.ts'
import { permissionMode } from '../statuses.ts'
import { tasks } from './tasks.ts'

const attempt = z.object({
  task: unitTask,
  /** What it changed so far; absent before it has begun, and when its branch is gone. */
  diff: z.object({ files: z.number().int(), additions: z.number().int(), deletions: z.number().int() }).optional(),
  /** Of all its sessions; without a cost when one of them did not tell its own. */
  usage: usage.optional(),
  /** Milliseconds that its agent worked, in all its sessions; what it waited for answers does not count. */
  workingMs: z.number(),
})
export type Attempt = z.infer<typeof attempt>

const comparisonRecord = z.object({
  id,
  /** In the order in which they were asked for. Title, prompt and base commit are the same in all tasks. */
  attempts: z.array(attempt).min(1),
})
export type Comparison = z.infer<typeof comparisonRecord>
const comparison = z.object({ comparison: comparisonRecord })

const { agent, branchName: _, model, permissionMode: __, ...common } = tasks.createUnitTask.params.shape

export const comparisons = {
  createComparison: method({
    params: z.object({
      ...common,
      attempts: z
        .array(z.object({ agent: agent.unwrap(), model, permissionMode: permissionMode.optional() }))
        .min(2)
        .max(8),
    }),
    result: comparison,
    errors: tasks.createUnitTask.errors,
    access: 'member',
    doc: 'Makes one task for each attempt, all from the same commit, so that their work can be compared; all or none.',
  }),
  getComparison: method({
    params: z.object({ id }),
    result: comparison,
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives the attempts of a comparison with what each changed, cost and took.',
  }),
  chooseAttempt: method({
    params: z.object({ taskId: id }),
    result: comparison,
    errors: ['NOT_FOUND', 'CONFLICT', 'INVALID_PARAMS'],
    access: 'member',
    doc: 'Approves an attempt and rejects the others, those at work after they were stopped. Asked again it changes nothing.',
  }),
}
