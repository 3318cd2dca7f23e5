/** Logs that were moved out of the database. */
import { Migration } from '@mikro-orm/migrations'

export class Retention extends Migration {
  override up(): void {
    this.addSql(`create table "retired_log" (
      "session_id" text not null primary key,
      "fate" text not null,
      "last_seq" integer not null,
      "blocks" text null,
      "at" text not null,
      constraint "retired_log_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on update cascade on delete cascade
    )`)
  }
}
