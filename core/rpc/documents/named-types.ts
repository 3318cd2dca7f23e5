/** The types that documents name instead of writing them out each time. */
import type { z } from 'zod'
import * as messages from '../../contract/messages.ts'
import * as records from '../../contract/records.ts'
import * as statuses from '../../contract/statuses.ts'

export const namedTypes: Readonly<Record<string, z.ZodType>> = {
  UnitTask: records.unitTask,
  AgentTask: records.agentTask,
  AgentSession: records.agentSession,
  Question: records.question,
  ReviewComment: records.reviewComment,
  TaskDiff: records.taskDiff,
  DiffFile: records.diffFile,
  Repository: records.repository,
  RepositoryGroup: records.repositoryGroup,
  Workspace: records.workspace,
  AgentInfo: records.agentInfo,
  Detection: records.detection,
  PluginInfo: records.pluginInfo,
  ErrorRecord: records.errorRecord,
  Message: messages.message,
  MessageBody: messages.messageBody,
  Delta: messages.delta,
  Usage: messages.usage,
  QuestionOption: messages.questionOption,
  QuestionKind: messages.questionKind,
  ToolKind: messages.toolKind,
  ErrorCode: messages.errorCode,
  TaskStatus: statuses.taskStatus,
  WaitingFor: statuses.waitingFor,
  SessionStatus: statuses.sessionStatus,
  SessionOutcome: statuses.sessionOutcome,
  QuestionStatus: statuses.questionStatus,
  PermissionMode: statuses.permissionMode,
  SandboxKind: statuses.sandboxKind,
  MergeStrategy: statuses.mergeStrategy,
}
