import { Migration } from '@mikro-orm/migrations'

/** Finds the disk full, halfway: SQLite's own bound leads to the same as a write that the system refuses. */
export class Full extends Migration {
  override async up(): Promise<void> {
    await this.execute(`alter table workspace add column shape text`)
    await this.execute(`pragma max_page_count = 1`)
    await this.execute(`create table large as select zeroblob(10000000) as filler`)
  }
}
