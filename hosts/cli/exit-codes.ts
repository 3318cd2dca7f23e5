/** What the exit code of a command says; the same for all commands. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The agent waits for an answer that nobody here can give. */
  waiting: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
