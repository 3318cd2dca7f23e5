import { Migration } from '@mikro-orm/migrations'

/** Ends the process that runs it, halfway. */
export class Deadly extends Migration {
  override async up(): Promise<void> {
    await this.execute(`alter table workspace add column shape text`)
    process.kill(process.pid, 'SIGKILL')
  }
}
