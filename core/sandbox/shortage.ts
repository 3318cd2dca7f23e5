/** Shortages of the system: what fails of one succeeds later, and says nothing about what was asked for. */

const SHORTAGES = new Set<unknown>(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** True for an error of the system that only says: no descriptors or no memory left now. */
export const isShortage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && SHORTAGES.has(error.code)
