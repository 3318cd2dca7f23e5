/** `troupe task`: all that is done with a task after it was made. */
import type { Command } from 'commander'
import { type Run, addGroup } from '../command.ts'
import { addAnswerCommand } from './task/answer.ts'
import { addCompareCommands } from './task/compare.ts'
import { addDiffCommand } from './task/diff.ts'
import { addLogsCommand } from './task/logs.ts'
import { addPullRequestCommands } from './task/pull-request.ts'
import { addReviewCommands } from './task/review.ts'
import { addListCommands, addRemoveCommand } from './task/list.ts'
import { addWorkCommands } from './task/work.ts'

export function addTaskCommands(program: Command, run: Run): void {
  const group = addGroup(program, 'task', 'Work with tasks: watch, answer, review, merge')
  addListCommands(group, run)
  addLogsCommand(group, run)
  addAnswerCommand(group, run)
  addWorkCommands(group, run)
  addDiffCommand(group, run)
  addReviewCommands(group, run)
  addCompareCommands(group, run)
  addPullRequestCommands(group, run)
  addRemoveCommand(group, run)
}
