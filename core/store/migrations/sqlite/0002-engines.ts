/** Several engines on one database: each is a row, and an actor names the one that runs its effects. */
import { Migration } from '@mikro-orm/migrations'

const statements = [
  'create table "engine" ("id" text not null primary key, "seen_at" text not null)',
  'alter table "actor" add column "engine_id" text null',
  'alter table "actor" add column "worker_id" text null',
  'drop index "effect_failed_at_position_index"',
  'alter table "effect" drop column "failed_at"',
  'alter table "effect" drop column "not_before"',
  'alter table "effect" drop column "attempts"',
  'alter table "deadline" add column "delay_ms" integer null',
  // Sessions know their worker from now on; those of before are found by their row.
  'update "actor" set "worker_id" = (select s."worker_id" from "agent_session" s where s."id" = "actor"."id")',
]

export class Engines extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
