/**
 * Ends this process at a fault point, as a crash would. Only the tests of the crash campaign set `TROUPE_FAULTS`; it names
 * a folder of theirs with two files.
 *
 * - `armed`, read at each point, one a line: `<name>`, `<name>:<detail>`, or either with ` <n>` for the n-th time that it is
 *   reached by this process; `*` is every point, except those in lines that begin with `!`.
 * - `reached`, written: every point that is reached, and ` killed` after the one that ended the process.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onFaultPoint } from '../core/base/fault-point.ts'

export function installFaultPoints(folder: string): void {
  const counts = new Map<string, number>()
  const reached = join(folder, 'reached')
  onFaultPoint((name, detail) => {
    const point = detail === '' ? name : `${name}:${detail}`
    const names = [...new Set([name, point])]
    for (const each of names) counts.set(each, (counts.get(each) ?? 0) + 1)
    const armed = new Set(readFileSync(join(folder, 'armed'), 'utf8').split('\n'))
    const listed = names.some((each) => armed.has(`${each} ${counts.get(each)}`) || armed.has(each))
    const fatal = listed || (armed.has('*') && !names.some((each) => armed.has(`!${each}`)))
    appendFileSync(reached, `${point}${fatal ? ' killed' : ''}\n`)
    if (fatal) process.kill(process.pid, 'SIGKILL')
  })
}
