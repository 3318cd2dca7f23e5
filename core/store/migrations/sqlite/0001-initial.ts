/** The first schema. Never changed: what comes later is a migration of its own. */
import { Migration } from '@mikro-orm/migrations'

const statements = [
  `create table "actor" (
    "id" text not null primary key,
    "machine" text not null,
    "machine_version" integer not null,
    "version" integer not null,
    "snapshot" text not null,
    "done" integer not null,
    "updated_at" text not null
  )`,
  `create table "agent_task" (
    "id" text not null primary key,
    "agent" text not null,
    "model" text null,
    "base_remotes" text not null,
    "created_at" text not null,
    "updated_at" text not null
  )`,
  `create table "deadline" (
    "actor_id" text not null,
    "key" text not null,
    "at" integer not null,
    "event" text not null,
    primary key ("actor_id", "key"),
    constraint "deadline_actor_id_foreign" foreign key ("actor_id") references "actor" ("id") on delete cascade
  )`,
  'create index "deadline_at_index" on "deadline" ("at")',
  `create table "effect" (
    "position" integer not null primary key autoincrement,
    "id" text not null,
    "actor_id" text not null,
    "type" text not null,
    "params" text not null,
    "attempts" integer not null,
    "not_before" integer not null,
    "failed_at" text null,
    constraint "effect_actor_id_foreign" foreign key ("actor_id") references "actor" ("id") on delete cascade
  )`,
  'create unique index "effect_id_unique" on "effect" ("id")',
  'create index "effect_actor_id_index" on "effect" ("actor_id")',
  'create index "effect_failed_at_position_index" on "effect" ("failed_at", "position")',
  `create table "journal_entry" (
    "id" integer not null primary key autoincrement,
    "actor_id" text not null,
    "event_id" text not null,
    "event" text not null,
    "at" text not null,
    constraint "journal_entry_actor_id_foreign" foreign key ("actor_id") references "actor" ("id") on delete cascade
  )`,
  'create unique index "journal_entry_actor_id_event_id_unique" on "journal_entry" ("actor_id", "event_id")',
  `create table "worker" (
    "id" text not null primary key,
    "name" text not null,
    "labels" text not null,
    "capacity" integer not null,
    "status" text not null,
    "last_heartbeat" text not null,
    "created_at" text not null,
    "updated_at" text not null
  )`,
  `create table "workspace" (
    "id" text not null primary key,
    "name" text not null,
    "description" text null,
    "created_at" text not null,
    "updated_at" text not null
  )`,
  `create table "repository_group" (
    "id" text not null primary key,
    "workspace_id" text not null,
    "name" text null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "repository_group_workspace_id_foreign" foreign key ("workspace_id") references "workspace" ("id")
  )`,
  'create index "repository_group_workspace_id_index" on "repository_group" ("workspace_id")',
  `create table "unit_task" (
    "id" text not null primary key,
    "repository_group_id" text not null,
    "agent_task_id" text not null,
    "composite_task_id" text null,
    "title" text not null,
    "prompt" text not null,
    "status" text not null,
    "waiting_for" text null,
    "agent" text not null,
    "model" text null,
    "permission_mode" text not null,
    "sandbox" text not null,
    "base_branch" text not null,
    "branch_name" text not null,
    "base_commit" text null,
    "end_commit" text null,
    "merge_commit" text null,
    "worktree_path" text null,
    "linked_pr_url" text null,
    "session_id" text null,
    "error" text null,
    "queued_at" text null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "unit_task_repository_group_id_foreign" foreign key ("repository_group_id") references "repository_group" ("id"),
    constraint "unit_task_agent_task_id_foreign" foreign key ("agent_task_id") references "agent_task" ("id")
  )`,
  'create index "unit_task_repository_group_id_index" on "unit_task" ("repository_group_id")',
  'create index "unit_task_agent_task_id_index" on "unit_task" ("agent_task_id")',
  'create index "unit_task_created_at_id_index" on "unit_task" ("created_at", "id")',
  'create index "unit_task_status_queued_at_index" on "unit_task" ("status", "queued_at")',
  `create table "review_comment" (
    "id" text not null primary key,
    "unit_task_id" text not null,
    "file" text not null,
    "start_line" integer not null,
    "end_line" integer not null,
    "side" text not null,
    "text" text not null,
    "resolved" integer not null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "review_comment_unit_task_id_foreign" foreign key ("unit_task_id") references "unit_task" ("id") on delete cascade
  )`,
  'create index "review_comment_unit_task_id_index" on "review_comment" ("unit_task_id")',
  `create table "agent_session" (
    "id" text not null primary key,
    "unit_task_id" text not null,
    "agent_task_id" text not null,
    "worker_id" text not null,
    "agent" text not null,
    "model" text null,
    "permission_mode" text not null,
    "sandbox" text not null,
    "status" text not null,
    "outcome" text null,
    "error" text null,
    "agent_session_id" text null,
    "started_at" text null,
    "ended_at" text null,
    "usage" text null,
    "prompt" text not null,
    "resume_of" text null,
    "attempt" integer not null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "agent_session_unit_task_id_foreign" foreign key ("unit_task_id") references "unit_task" ("id") on delete cascade,
    constraint "agent_session_agent_task_id_foreign" foreign key ("agent_task_id") references "agent_task" ("id"),
    constraint "agent_session_worker_id_foreign" foreign key ("worker_id") references "worker" ("id")
  )`,
  'create index "agent_session_unit_task_id_index" on "agent_session" ("unit_task_id")',
  'create index "agent_session_agent_task_id_index" on "agent_session" ("agent_task_id")',
  'create index "agent_session_worker_id_index" on "agent_session" ("worker_id")',
  'create index "agent_session_status_index" on "agent_session" ("status")',
  `create table "session_progress" (
    "session_id" text not null primary key,
    "progress" text not null,
    "updated_at" text not null,
    constraint "session_progress_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on update cascade on delete cascade
  )`,
  `create table "question" (
    "id" text not null primary key,
    "session_id" text not null,
    "unit_task_id" text not null,
    "kind" text not null,
    "prompt" text not null,
    "options" text null,
    "multiple" integer null,
    "status" text not null,
    "answer" text null,
    "answered_by" text null,
    "answered_at" text null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "question_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on delete cascade,
    constraint "question_unit_task_id_foreign" foreign key ("unit_task_id") references "unit_task" ("id") on delete cascade
  )`,
  'create index "question_session_id_index" on "question" ("session_id")',
  'create index "question_unit_task_id_index" on "question" ("unit_task_id")',
  'create index "question_status_created_at_index" on "question" ("status", "created_at")',
  `create table "message_body" (
    "session_id" text not null,
    "seq" integer not null,
    "body" text not null,
    primary key ("session_id", "seq"),
    constraint "message_body_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on delete cascade
  )`,
  `create table "message" (
    "id" integer not null primary key autoincrement,
    "session_id" text not null,
    "seq" integer not null,
    "type" text not null,
    "at" text not null,
    "body" text not null,
    "full_bytes" integer null,
    constraint "message_session_id_foreign" foreign key ("session_id") references "agent_session" ("id") on delete cascade
  )`,
  'create unique index "message_session_id_seq_unique" on "message" ("session_id", "seq")',
  `create table "repository" (
    "id" text not null primary key,
    "workspace_id" text not null,
    "name" text not null,
    "remote_url" text null,
    "local_path" text null,
    "default_branch" text not null,
    "vcs_provider" text not null,
    "created_at" text not null,
    "updated_at" text not null,
    constraint "repository_workspace_id_foreign" foreign key ("workspace_id") references "workspace" ("id")
  )`,
  'create unique index "repository_workspace_id_local_path_unique" on "repository" ("workspace_id", "local_path")',
  `create table "repository_group_member" (
    "group_id" text not null,
    "repository_id" text not null,
    "position" integer not null,
    primary key ("group_id", "repository_id"),
    constraint "repository_group_member_group_id_foreign" foreign key ("group_id") references "repository_group" ("id") on update cascade on delete cascade,
    constraint "repository_group_member_repository_id_foreign" foreign key ("repository_id") references "repository" ("id") on update cascade on delete no action
  )`,
  'create index "repository_group_member_repository_id_index" on "repository_group_member" ("repository_id")',
]

export class Initial extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
