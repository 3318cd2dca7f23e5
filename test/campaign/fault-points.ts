/** The fault points of the program, read from its code, so that a new one is covered by itself. */
import { listModules, readRepositoryFile } from '../helpers/repository-files.ts'

/** A call, whatever it is given; the definition is none. */
const CALL = /(?<!function )\bfaultPoint\(\s*([^)]*)/g
const LITERAL = /^'([a-z-]+\.[a-z-]+)'/

export interface FaultPointCall {
  /** `path:line`. */
  readonly place: string
  /** Absent when it is no literal of the form `<area>.<what>`. */
  readonly name: string | undefined
}

export function findFaultPoints(): FaultPointCall[] {
  return listModules('core', 'hosts').flatMap((path) => {
    const text = readRepositoryFile(path)
    return [...text.matchAll(CALL)].map((call) => ({
      place: `${path}:${text.slice(0, call.index).split('\n').length}`,
      name: LITERAL.exec(call[1] ?? '')?.[1],
    }))
  })
}
