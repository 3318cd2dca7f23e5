/** Tasks, the agent's part of them, and its sessions. */
import { defineEntity, type InferEntity, p } from '@mikro-orm/sql'
import type { AgentSession, AgentTask, UnitTask } from '../../contract/records.ts'
import { json, stamps, text, time, uuid } from './columns.ts'
import { RepositoryGroupEntity } from './repositories.ts'

export const WorkerEntity = defineEntity({
  name: 'Worker',
  tableName: 'worker',
  properties: {
    id: uuid().primary(),
    name: text(),
    labels: json<readonly string[]>(),
    /** Sessions that it may run at once. */
    capacity: p.integer(),
    status: text<'idle' | 'busy' | 'draining' | 'unhealthy' | 'gone'>(),
    lastHeartbeat: time(),
    ...stamps,
  },
})
export type WorkerRow = InferEntity<typeof WorkerEntity>

export const AgentTaskEntity = defineEntity({
  name: 'AgentTask',
  tableName: 'agent_task',
  properties: {
    id: uuid().primary(),
    agent: text(),
    model: text().nullable(),
    baseRemotes: json<AgentTask['baseRemotes']>(),
    ...stamps,
  },
})
export type AgentTaskRow = InferEntity<typeof AgentTaskEntity>

export const UnitTaskEntity = defineEntity({
  name: 'UnitTask',
  tableName: 'unit_task',
  indexes: [{ properties: ['createdAt', 'id'] }, { properties: ['status', 'queuedAt'] }],
  properties: {
    id: uuid().primary(),
    repositoryGroupId: () => p.manyToOne(RepositoryGroupEntity).mapToPk().fieldName('repository_group_id').index(),
    agentTaskId: () => p.manyToOne(AgentTaskEntity).mapToPk().fieldName('agent_task_id').index(),
    compositeTaskId: uuid().nullable(),
    comparisonId: uuid().nullable().index(),
    title: text(),
    prompt: text(),
    status: text<UnitTask['status']>(),
    waitingFor: text<NonNullable<UnitTask['waitingFor']>>().nullable(),
    agent: text(),
    model: text().nullable(),
    permissionMode: text<UnitTask['permissionMode']>(),
    sandbox: text<UnitTask['sandbox']>(),
    baseBranch: text(),
    branchName: text(),
    baseCommit: text().nullable(),
    endCommit: text().nullable(),
    mergeCommit: text().nullable(),
    worktreePath: text().nullable(),
    linkedPrUrl: text().nullable(),
    /** The newest session. Not a foreign key: it would be a circle, and the session has the other half. */
    sessionId: uuid().nullable(),
    error: json<NonNullable<UnitTask['error']>>().nullable(),
    /** When it last entered the queue. */
    queuedAt: time().nullable(),
    ...stamps,
  },
})
export type UnitTaskRow = InferEntity<typeof UnitTaskEntity>

export const AgentSessionEntity = defineEntity({
  name: 'AgentSession',
  tableName: 'agent_session',
  properties: {
    id: uuid().primary(),
    unitTaskId: () => p.manyToOne(UnitTaskEntity).mapToPk().fieldName('unit_task_id').index().deleteRule('cascade'),
    agentTaskId: () => p.manyToOne(AgentTaskEntity).mapToPk().fieldName('agent_task_id').index(),
    workerId: () => p.manyToOne(WorkerEntity).mapToPk().fieldName('worker_id').index(),
    agent: text(),
    model: text().nullable(),
    permissionMode: text<AgentSession['permissionMode']>(),
    sandbox: text<AgentSession['sandbox']>(),
    status: text<AgentSession['status']>().index(),
    outcome: text<NonNullable<AgentSession['outcome']>>().nullable(),
    error: json<NonNullable<AgentSession['error']>>().nullable(),
    agentSessionId: text().nullable(),
    startedAt: time().nullable(),
    endedAt: time().nullable(),
    usage: json<NonNullable<AgentSession['usage']>>().nullable(),
    /** The text that the session was started with. */
    prompt: text(),
    /** The agent's own conversation that it continues. */
    resumeOf: text().nullable(),
    /** From 1, counted within its task. */
    attempt: p.integer(),
    ...stamps,
  },
})
export type AgentSessionRow = InferEntity<typeof AgentSessionEntity>
