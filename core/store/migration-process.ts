/** The entry of the process that migrates. It is given one run, answers how that ended, and ends with who asked. */
import { toEnvelope } from '../base/errors.ts'
import type { MigrationAnswer } from './migrate-apart.ts'
import type { MigrationRun } from './migration-run.ts'
import { migrateUp } from './migrator.ts'

async function migrate(run: MigrationRun): Promise<MigrationAnswer> {
  try {
    await migrateUp(run)
    return {}
  } catch (error) {
    return { error: toEnvelope(error) }
  }
}

// In the middle of it too: the transaction is undone, and the next host does it.
process.once('disconnect', () => process.exit())
process.once('message', (run: MigrationRun) => void migrate(run).then((answer) => process.send?.(answer)))
