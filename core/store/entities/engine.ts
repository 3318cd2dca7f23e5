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
    /** The engine that runs its effects. No reference: that engine may be gone. */
    engineId: uuid().nullable(),
    /** Its effects run where this worker is served; without one they run anywhere. */
    workerId: uuid().nullable(),
    updatedAt: time(),
  },
})

/** An engine that is at work, or was until a moment ago. */
export const EngineEntity = defineEntity({
  name: 'Engine',
  tableName: 'engine',
  properties: {
    id: uuid().primary(),
    /** By the clock of the database. */
    seenAt: time(),
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
  properties: {
    position: serial(),
    id: uuid().unique(),
    actorId: () => p.manyToOne(ActorEntity).mapToPk().fieldName('actor_id').index().deleteRule('cascade'),
    type: text(),
    params: json<Json>(),
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
    /** How long after its setting: no deadline can be further away, unless the clock was set back. */
    delayMs: count().nullable(),
    event: json<Json>(),
  },
})
