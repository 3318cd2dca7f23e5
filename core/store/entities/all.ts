/** The one entity set, for both databases. */
import { ActorEntity, DeadlineEntity, EffectEntity, EngineEntity, JournalEntryEntity } from './engine.ts'
import { MessageBodyEntity, MessageEntity, RetiredLogEntity, SessionProgressEntity } from './log.ts'
import {
  RepositoryEntity,
  RepositoryGroupEntity,
  RepositoryGroupMemberEntity,
  WorkspaceEntity,
} from './repositories.ts'
import { QuestionEntity, ReviewCommentEntity } from './review.ts'
import { AgentSessionEntity, AgentTaskEntity, UnitTaskEntity, WorkerEntity } from './tasks.ts'

export const entities = [
  WorkspaceEntity,
  RepositoryEntity,
  RepositoryGroupEntity,
  RepositoryGroupMemberEntity,
  WorkerEntity,
  AgentTaskEntity,
  UnitTaskEntity,
  AgentSessionEntity,
  QuestionEntity,
  ReviewCommentEntity,
  MessageEntity,
  MessageBodyEntity,
  SessionProgressEntity,
  RetiredLogEntity,
  ActorEntity,
  JournalEntryEntity,
  EffectEntity,
  DeadlineEntity,
  EngineEntity,
]
