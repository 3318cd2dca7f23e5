/**
 * Named places where the end of the process would hurt most: at a commit, and between a commit and what follows from it.
 * The crash campaign kills the host at each of them; without a handler a place costs one comparison.
 */

/** `detail` tells apart what passes one place, for example the type of the event. */
export type FaultHandler = (name: string, detail: string) => void

let handler: FaultHandler | undefined

/** @param name a literal, once in the program: `<area>.<what>`; the campaign reads the names from the code. */
export function faultPoint(name: string, detail = ''): void {
  if (handler !== undefined) handler(name, detail)
}

/** Hears of every place that is reached from now on, before the program goes on. */
export function onFaultPoint(next: FaultHandler | undefined): void {
  handler = next
}
