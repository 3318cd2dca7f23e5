/** Pipes at which agents of a shell wait, so that they all begin to print at once. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface Gates {
  /** Shell text that waits until gate `index` is opened. */
  wait(index: number): string
  /** Lets `count` agents pass; those that have not come yet too. */
  open(index: number, count: number): void
  [Symbol.dispose](): void
}

export function makeGates(folder: string, count: number): Gates {
  const path = (index: number): string => join(folder, `gate-${index}`)
  const held = Array.from({ length: count }, (_, index) => {
    execFileSync('mkfifo', [path(index)])
    // Opened for both, so that neither side waits for the other and what is written stays.
    return openSync(path(index), 'r+')
  })
  return {
    wait: (index) => `read go < '${path(index)}'`,
    open: (index, agents) => void writeSync(held[index] ?? -1, '\n'.repeat(agents)),
    [Symbol.dispose]: () => held.forEach((file) => closeSync(file)),
  }
}
