import { Migration } from '@mikro-orm/migrations'

export class AddColour extends Migration {
  override up(): void {
    this.addSql(`alter table workspace add column colour text`)
  }
}
