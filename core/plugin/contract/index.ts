/** `troupe/plugin`: all that the author of an agent plugin needs. */
export { definePlugin } from './agent.ts'
export type { Agent, AgentSettings, Plugin, QuestionServer, RunEnd, Session } from './agent.ts'
export type { AgentMessage, AgentProcess, Ask, Command, DetectIo, Exit, FollowUp, OutputLine, SessionIo } from './io.ts'
export { Deadline } from './deadline.ts'
export { asArray, asNumber, asObject, asObjects, asString, bounded, parseObject } from './json.ts'
export type { Json, JsonObject } from './json.ts'
export { listen } from './listen.ts'
export type { Listener } from './listen.ts'
export { addToTail, otherVersion, readVersion, toExitError, withProgram } from './program.ts'
export type { Heard, ProgramNames, ProgramRun } from './program.ts'
export type { Detection } from '../../contract/records.ts'
export type { QuestionOption, ToolKind, Usage } from '../../contract/messages.ts'
export type { PermissionMode } from '../../contract/statuses.ts'
export type { ErrorCode } from '../../base/errors.ts'
/** Raised when the contract changes in a way that a plugin can notice. A manifest names the version it was written for. */
export const CONTRACT_VERSION = 1
