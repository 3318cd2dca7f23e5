/** Logs that were moved out of the database. */
import { Migration } from '@mikro-orm/migrations'

const statements = [
  `create table "retired_log" (
    "session_id" uuid not null,
    "fate" text not null,
    "last_seq" bigint not null,
    "blocks" text null,
    "at" timestamptz(3) not null,
    primary key ("session_id")
  )`,
  'alter table "retired_log" add constraint "retired_log_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on update cascade on delete cascade',
]

export class Retention extends Migration {
  override up(): void {
    this.addSql(statements.join(';\n'))
  }
}
