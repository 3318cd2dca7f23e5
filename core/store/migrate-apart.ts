/** Migrates in a process of its own: what MikroORM takes goes with it. Of the memory of a thread the host would keep most. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type ErrorEnvelope, fromEnvelope } from '../base/errors.ts'
import { type MigrateUp, type MigrationRun, toMigrationError } from './migration-run.ts'

const entry = new URL('./migration-process.ts', import.meta.url)

/** What the process says: an error, or nothing. */
export interface MigrationAnswer {
  readonly error?: ErrorEnvelope
}

/** An hour is more than the largest database takes; what takes longer waits for something that does not come. */
export const migrateApart: MigrateUp = (run) => migrateWithin(3_600_000, run)

/** @param boundMs the process is killed then; the database is as it was. */
export async function migrateWithin(boundMs: number, run: MigrationRun): Promise<void> {
  const child = fork(entry, { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const bound = setTimeout(() => child.kill('SIGKILL'), boundMs)
  const ended = once(child, 'exit')
  child.send(run, () => {}) // One that is gone says so by its end.
  const answer = await answerOf(child, ended).catch((cause: unknown) => ({ cause }))
  clearTimeout(bound)
  if ('cause' in answer) throw toMigrationError(answer.cause, run.details)
  if (answer.error) throw fromEnvelope(answer.error)
}

/** Settles when the process is gone. @throws when it could not be started, or ended before it answered. */
async function answerOf(child: ChildProcess, ended: Promise<unknown[]>): Promise<MigrationAnswer> {
  let answer: MigrationAnswer | undefined
  child.once('message', (message: MigrationAnswer) => {
    answer = message
    child.disconnect()
  })
  const [code, signal] = await ended
  if (!answer)
    throw new Error(
      `the process that does it ${child.killed ? 'took too long and was ended' : `ended with ${String(signal ?? code)}`}`,
    )
  return answer
}
