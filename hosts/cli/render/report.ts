/** What a check of a plugin has found, for people. */
import type { Point, Report } from '../../../core/conformance/points.ts'
import { plainLine } from './sanitize.ts'
import { type Style, proseWidth } from './style.ts'
import { wrap } from './wrap.ts'

const MARKS = { passed: ['✓', 'green'], failed: ['✗', 'red'], 'not-shown': ['–', 'yellow'] } as const
const INDENT = '    '

/** The points by agent, each failed one with its reason, and how many there are. */
export function reportLines({ plugin, version, folder, points }: Report, style: Style): string[] {
  const groups = Object.entries(Object.groupBy(points, ({ agent }) => agent ?? ''))
  const lines = groups.flatMap(([agent, group = []]) => [
    ...(agent ? ['', style.paint('bold', `agent ${plainLine(agent)}`)] : []),
    ...group.flatMap((point) => pointLines(point, style)),
  ])
  const title = `${style.paint('bold', plainLine(plugin))} ${plainLine(version)}  ${style.paint('dim', plainLine(folder))}`
  return [title, '', ...lines, '', summary(points)]
}

function pointLines(point: Point, style: Style): string[] {
  const [mark, colour] = MARKS[point.status]
  const line = `${style.paint(colour, mark)} ${point.title}`
  if (point.status === 'passed') return [line]
  const reason = point.status === 'failed' ? `${point.id}: ${point.reason}` : `not shown: ${point.reason}`
  const wrapped = wrap(plainLine(reason), proseWidth(style) - INDENT.length)
  return [line, ...wrapped.map((text) => INDENT + style.paint(point.status === 'failed' ? 'red' : 'dim', text))]
}

function summary(points: readonly Point[]): string {
  const count = (status: Point['status']) => points.filter((point) => point.status === status).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('not-shown')} not shown.`
}
