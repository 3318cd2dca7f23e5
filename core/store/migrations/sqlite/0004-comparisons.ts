/** Tasks that are attempts at the same prompt. */
import { Migration } from '@mikro-orm/migrations'

export class Comparisons extends Migration {
  override up(): void {
    this.addSql('alter table "unit_task" add column "comparison_id" text null')
    this.addSql('create index "unit_task_comparison_id_index" on "unit_task" ("comparison_id")')
  }
}
