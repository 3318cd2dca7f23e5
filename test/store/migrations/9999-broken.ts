import { Migration } from '@mikro-orm/migrations'

/** Its first half would work. */
export class Broken extends Migration {
  override up(): void {
    this.addSql(`alter table workspace add column shape text`)
    this.addSql(`update nothing set x = 1`)
  }
}
