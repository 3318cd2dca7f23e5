/** Identifiers: UUIDv7, branded so that one record's id cannot stand for another's. */
import { v7 } from 'uuid'

export type Id<Kind extends string> = string & { readonly __kind?: Kind }

export type TaskId = Id<'unitTask'>
export type AgentTaskId = Id<'agentTask'>
export type SessionId = Id<'agentSession'>
export type RepositoryId = Id<'repository'>
export type RepositoryGroupId = Id<'repositoryGroup'>
export type WorkspaceId = Id<'workspace'>
export type QuestionId = Id<'question'>
export type WorkerId = Id<'worker'>
export type ActorId = Id<'actor'>

/** A fresh UUIDv7: sorts by the time it was made. */
export const newId = (): string => v7()
