/** Attempts side by side. */
import type { Attempt, Comparison } from '../../../core/contract/methods/comparisons.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { TaskStatus } from '../../../core/contract/statuses.ts'
import { cost, count, duration, plural, shortId } from './format.ts'
import { nextStepLines, type Step } from './next-steps.ts'
import { plainLine } from './sanitize.ts'
import type { Style } from './style.ts'
import { type Cell, tableLines } from './table.ts'
import { statusFormat, statusText, taskFacts } from './task.ts'
import { padEnd, truncate } from './width.ts'
import { wrap } from './wrap.ts'

const withModel = ({ agent, model }: UnitTask): string => (model === undefined ? agent : `${agent}:${model}`)

/** How to tell attempts apart, as short as possible. */
const FORMS: readonly ((task: UnitTask) => string)[] = [({ agent }) => agent, withModel]

/** `claude-code`; where several have this agent, with what tells them apart: `claude-code:opus`, `claude-code (plan)`. */
export function attemptNames(tasks: readonly UnitTask[]): string[] {
  return tasks.map((task) => {
    const form = FORMS.find((each) => tasks.filter((other) => each(other) === each(task)).length === 1)
    return plainLine(form ? form(task) : `${withModel(task)} (${task.permissionMode})`)
  })
}

const titleLine = ([first]: readonly UnitTask[], style: Style): string =>
  `${style.paint('cyan', '◆')} ${style.paint('bold', truncate(plainLine(first?.title ?? ''), style.width - 2))}`

/** The title, then an attempt a line: who works where. */
export const comparisonHead = (tasks: readonly UnitTask[], style: Style): string[] => [
  titleLine(tasks, style),
  ...tasks.flatMap((task) => {
    const [first = '', ...rest] = wrap(taskFacts(task), style.width - 12)
    return [
      `  ${style.paint('bold', shortId(task.id))}  ${style.paint('dim', first)}`,
      ...rest.map((line) => style.paint('dim', padEnd('', 12) + line)),
    ]
  }),
]

export function comparisonLines({ attempts }: Comparison, style: Style): string[] {
  const tasks = attempts.map(({ task }) => task)
  const steps = nextStepLines(comparisonSteps(attempts), style)
  return [titleLine(tasks, style), '', ...attemptTable(attempts, style), ...(steps.length > 0 ? ['', ...steps] : [])]
}

const TITLES = ['TASK', 'ATTEMPT', 'STATUS', 'CHANGES', 'TOKENS', 'COST', 'TIME']

function attemptTable(attempts: readonly Attempt[], style: Style): string[] {
  const names = attemptNames(attempts.map(({ task }) => task))
  const rows = attempts.map((attempt, at) => [
    { text: shortId(attempt.task.id), format: 'bold' as const },
    { text: names[at] ?? '' },
    { text: statusText(attempt.task), format: statusFormat(attempt.task) },
    ...figures(attempt),
  ])
  const columns = TITLES.map((title) => ({ title, flexible: title === 'ATTEMPT' }))
  return tableLines(columns, rows, style)
}

/** A figure that the agent does not give is a dash: it is not zero. */
function figures({ diff, usage, workingMs }: Attempt): Cell[] {
  const changes =
    diff && (diff.files === 0 ? 'none' : `${plural(diff.files, 'file')} +${diff.additions} -${diff.deletions}`)
  const tokens = usage && `${count(usage.inputTokens)} in, ${count(usage.outputTokens)} out`
  const spent = usage?.costUsd === undefined ? undefined : cost(usage.costUsd)
  const time = workingMs > 0 ? duration(workingMs) : undefined
  return [changes, tokens, spent, time].map((text) => (text === undefined ? { text: '-', format: 'dim' } : { text }))
}

/** What a person can do with the comparison now; one that changed nothing is not offered to be taken. */
function comparisonSteps(attempts: readonly Attempt[]): Step[] {
  const tasks = attempts.map(({ task }) => task)
  const chosen = attempts.find(({ task }) => task.status === 'approved')
  if (chosen) return chosenSteps(chosen)
  const names = attemptNames(tasks)
  const named = attempts.map(({ task, diff }, at) => ({ task, diff, id: shortId(task.id), name: names[at] ?? '' }))
  const of = (...statuses: TaskStatus[]) => named.filter(({ task }) => statuses.includes(task.status))
  const [ready, idle] = [of('in_review').filter(hasChanges), of('in_review').filter((attempt) => !hasChanges(attempt))]
  const asking = named.filter(({ task }) => task.waitingFor === 'input')
  const atWork = of('queued', 'in_progress')
  const working = atWork.filter((attempt) => !asking.includes(attempt))
  return [
    ...asking.map(({ id, name }): Step => [`troupe task answer ${id}`, `answer ${name}`]),
    ...ready.map(({ id, name }): Step => [`troupe task diff ${id}`, `see what ${name} changed`]),
    ...ready.map(({ id, name }): Step => [`troupe task choose ${id}`, `take ${name}, reject the others`]),
    ...working.map(({ id, name }): Step => [`troupe task logs -f ${id}`, `watch ${name}`]),
    ...idle.map(({ id, name }): Step => [`troupe task logs ${id}`, `read why ${name} changed nothing`]),
    ...of('failed', 'stopped').map(({ id, name }): Step => [`troupe task logs ${id}`, `read what became of ${name}`]),
    ...atWork.slice(0, 1).map(({ id }): Step => [`troupe task compare ${id}`, 'see how far they are']),
  ]
}

/** What is not known counts as changes. */
const hasChanges = ({ diff }: Pick<Attempt, 'diff'>): boolean => diff?.files !== 0

/** The last word of the user was for it; without changes there is nothing to merge. */
function chosenSteps(chosen: Attempt): Step[] {
  const { id, baseBranch } = chosen.task
  if (hasChanges(chosen)) return [[`troupe task commit ${shortId(id)}`, `merge it into ${baseBranch}`]]
  return [[`troupe task changes ${shortId(id)} "..."`, 'it changed nothing yet: say what to do']]
}
