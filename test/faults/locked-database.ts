/** Another program that holds the database: `locked-database.ts <file>`, until its standard input ends. */
import { DatabaseSync } from 'node:sqlite'

const database = new DatabaseSync(process.argv[2] ?? '', { timeout: 30_000 })
database.exec('begin exclusive')
process.stdout.write('locked\n')
process.stdin.resume()
process.stdin.once('end', () => {
  database.exec('rollback')
  database.close()
})
