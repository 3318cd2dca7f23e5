/** The engine's own tables: actors, their journal, and what they have yet to do. */
import { defineEntity, p } from '@mikro-orm/sql'
import type { Json } from '../../base/json.ts'
import { count, json, serial, text, time, uuid } from './columns.ts'

export const ActorEntity = defineEntity({
  name: 'Actor',
  tableName: 'actor',
  properties: {
    id: uuid().primary(),
    machine: text(),
    machineVersion: p.integer(),
    /** Counts the steps; a step that finds another one lost the race. */
    version: p.integer(),
    snapshot: text(),
    done: p.boolean(),
    updatedAt: time(),
  },
})

export const JournalEntryEntity = defineEntity({
  name: 'JournalEntry',
  tableName: 'journal_entry',
  uniques: [{ properties: ['actorId', 'eventId'] }],
  properties: {
    id: serial(),
    actorId: () => p.manyToOne(ActorEntity).mapToPk().fieldName('actor_id').index(false).deleteRule('cascade'),
    eventId: text(),
    event: json<Json>(),
    at: time(),
  },
})

export const EffectEntity = defineEntity({
  name: 'Effect',
  tableName: 'effect',
  indexes: [{ properties: ['failedAt', 'position'] }],
  properties: {
    position: serial(),
    id: uuid().unique(),
    actorId: () => p.manyToOne(ActorEntity).mapToPk().fieldName('actor_id').index().deleteRule('cascade'),
    type: text(),
    params: json<Json>(),
    attempts: p.integer(),
    /** Milliseconds since 1970. */
    notBefore: count(),
    failedAt: time().nullable(),
  },
})

export const DeadlineEntity = defineEntity({
  name: 'Deadline',
  tableName: 'deadline',
  primaryKeys: ['actorId', 'key'],
  properties: {
    actorId: () =>
      p.manyToOne(ActorEntity).mapToPk().primary().fieldName('actor_id').index(false).deleteRule('cascade'),
    key: text().primary(),
    /** Milliseconds since 1970. */
    at: count().index(),
    event: json<Json>(),
  },
})
