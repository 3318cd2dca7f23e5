/** Tasks in a list and one by one. */
import type { UnitTask } from '../../../core/contract/records.ts'
import type { TaskStatus } from '../../../core/contract/statuses.ts'
import { shortId, when } from './format.ts'
import { firstLines } from './bounded.ts'
import { plainLine, plainText } from './sanitize.ts'
import { type Style, proseWidth } from './style.ts'
import { tableLines } from './table.ts'
import { padEnd, truncate } from './width.ts'
import { wrap } from './wrap.ts'

type Format = Parameters<Style['paint']>[0]

const FORMATS: Readonly<Record<TaskStatus, Format>> = {
  draft: 'dim',
  queued: 'blue',
  in_progress: 'cyan',
  in_review: 'magenta',
  approved: 'green',
  pr_open: 'green',
  done: 'green',
  rejected: 'dim',
  stopped: 'yellow',
  failed: 'red',
}

/** `in_progress`, or with what it waits for: `in_progress (input)`. */
export const statusText = ({ status, waitingFor }: UnitTask): string =>
  waitingFor === undefined ? status : `${status} (${waitingFor})`

export const statusFormat = (task: UnitTask): Format => (task.waitingFor === 'input' ? 'yellow' : FORMATS[task.status])

/** Attempts at the same prompt have the same name in the column COMPARED, which is left out where there are none. */
export function taskTable(tasks: readonly UnitTask[], style: Style): string[] {
  const compared = tasks.some(({ comparisonId }) => comparisonId !== undefined)
  const columns = [
    { title: 'ID' },
    { title: 'STATUS' },
    { title: 'AGENT' },
    ...(compared ? [{ title: 'COMPARED' }] : []),
    { title: 'TITLE', flexible: true },
    { title: 'CHANGED' },
  ]
  const rows = tasks.map((task) => [
    { text: shortId(task.id), format: 'bold' as const },
    { text: statusText(task), format: statusFormat(task) },
    { text: plainLine(task.agent) },
    ...(compared ? [{ text: task.comparisonId === undefined ? '' : shortId(task.comparisonId) }] : []),
    { text: plainLine(task.title) },
    { text: when(task.updatedAt, style), format: 'dim' as const },
  ])
  return tableLines(columns, rows, style)
}

/** A head line: `1a2b3c4d  Add a flag`, and what works where. */
export function taskHead(task: UnitTask, style: Style): string[] {
  const title = truncate(plainLine(task.title), style.width - 12)
  return [
    `${style.paint('cyan', '◆')} ${style.paint('bold', shortId(task.id))}  ${title}`,
    ...wrap(`  ${taskFacts(task)}`, style.width).map((line) => style.paint('dim', line)),
  ]
}

/** What works where. */
export const taskFacts = ({ agent, model, permissionMode, sandbox, branchName }: UnitTask): string =>
  [agent, ...(model ? [model] : []), permissionMode, sandbox, branchName].map(plainLine).join(' · ')

/** @param others those that it is compared with */
export function taskLines(task: UnitTask, style: Style, others: readonly UnitTask[] = []): string[] {
  const facts: [string, string | undefined][] = [
    ['id', task.id],
    ['status', style.paint(FORMATS[task.status], statusText(task))],
    [
      'agent',
      [task.agent, task.model]
        .filter((part) => part !== undefined)
        .map(plainLine)
        .join(' · '),
    ],
    ['permission mode', task.permissionMode],
    ...others.map((other, at): [string, string] => [
      at === 0 ? 'compared with' : '',
      `${shortId(other.id)} (${plainLine(other.agent)}, ${statusText(other)})`,
    ]),
    ['sandbox', task.sandbox],
    ['branch', `${plainLine(task.branchName)} → ${plainLine(task.baseBranch)}`],
    ['base commit', task.baseCommit?.slice(0, 12)],
    ['end commit', task.endCommit?.slice(0, 12)],
    ['merge commit', task.mergeCommit?.slice(0, 12)],
    ['pull request', task.linkedPrUrl && plainLine(task.linkedPrUrl)],
    ['worktree', task.worktreePath],
    ['session', task.sessionId],
    ['created', when(task.createdAt, style)],
    ['changed', when(task.updatedAt, style)],
    ['error', task.error && `${task.error.code}: ${plainLine(task.error.message)}`],
  ]
  const prompt = firstLines(wrap(plainText(task.prompt).trim(), proseWidth(style) - 2), 30)
  return [
    ...wrap(plainLine(task.title), style.width).map((line) => style.paint('bold', line)),
    ...facts.flatMap(([name, value]) => (value ? factLines(name, value, style) : [])),
    '',
    ...prompt.map((line) => `${style.paint('cyan', '▌')} ${line}`),
  ]
}

/** `status    in_review`; values may be painted already if they are short. A path is left whole, so that it can be copied. */
function factLines(name: string, value: string, style: Style): string[] {
  const [first = '', ...rest] = value.includes(' ') ? wrap(value, style.width - 18) : [value]
  return [`  ${style.paint('dim', name.padEnd(16))}${first}`, ...rest.map((line) => padEnd('', 18) + line)]
}
