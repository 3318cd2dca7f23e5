/** What Codex tells by itself, and nobody needs to know. */

/** Codex is asked not to send these. */
export const UNWANTED: ReadonlySet<string> = new Set([
  'account/updated',
  'app/list/updated',
  'item/fileChange/outputDelta',
  'item/fileChange/patchUpdated',
  'item/reasoning/summaryPartAdded',
  'mcpServer/startupStatus/updated',
  'remoteControl/status/changed',
  'skills/changed',
  'thread/closed',
  'thread/environment/connected',
  'thread/environment/disconnected',
  'thread/goal/cleared',
  'thread/name/updated',
  'thread/queue/changed',
  'thread/readState/changed',
  'thread/settings/updated',
  'thread/started',
  'thread/status/changed',
  'turn/diff/updated',
  'turn/plan/updated',
])

/** These show that it is at work; what they say comes again with the whole. */
const SIGNS_OF_LIFE: ReadonlySet<string> = new Set([
  'item/commandExecution/outputDelta',
  'item/commandExecution/terminalInteraction',
  'item/mcpToolCall/progress',
])

export const isQuiet = (method: string): boolean => UNWANTED.has(method) || SIGNS_OF_LIFE.has(method)
