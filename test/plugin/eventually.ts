/** Waits for a condition, with a bound that a busy machine does not reach. */
import { expect } from 'vitest'

export const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 20 })
