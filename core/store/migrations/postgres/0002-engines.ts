/** Several engines on one database: each is a row, and an actor names the one that runs its effects. */
import { Migration } from '@mikro-orm/migrations'

const statements = [
  'create table "engine" ("id" uuid not null, "seen_at" timestamptz(3) not null, primary key ("id"))',
  'alter table "actor" add column "engine_id" uuid null',
  'alter table "actor" add column "worker_id" uuid null',
  'drop index "effect_failed_at_position_index"',
  'alter table "effect" drop column "failed_at", drop column "not_before", drop column "attempts"',
  'alter table "deadline" add column "delay_ms" bigint null',
  // Sessions know their worker from now on; those of before are found by their row.
  'update "actor" set "worker_id" = (select s."worker_id" from "agent_session" s where s."id" = "actor"."id")',
]

export class Engines extends Migration {
  override up(): void {
    this.addSql(statements.join(';\n'))
  }
}
