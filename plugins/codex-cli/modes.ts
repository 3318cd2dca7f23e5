/** What a permission mode means to Codex. Pure. */
import type { Json, JsonObject, PermissionMode } from 'troupe/plugin'

interface Policy {
  /** When it asks before it runs a command or edits a file. */
  readonly approvalPolicy: 'untrusted' | 'on-request' | 'never'
  readonly sandbox: 'workspace-write' | 'danger-full-access'
}

/**
 * `accept_edits` is what Codex calls Auto: inside its sandbox it edits and runs commands, and it asks before anything goes beyond.
 * `plan` begins with the sandbox that work will have, so that its settings are known; what keeps it from writing is its turn's.
 */
const POLICIES: Record<PermissionMode, Policy> = {
  ask: { approvalPolicy: 'untrusted', sandbox: 'workspace-write' },
  accept_edits: { approvalPolicy: 'on-request', sandbox: 'workspace-write' },
  plan: { approvalPolicy: 'on-request', sandbox: 'workspace-write' },
  full: { approvalPolicy: 'never', sandbox: 'danger-full-access' },
}

/** Settings of a conversation when it is opened. */
export const toThreadSettings = (mode: PermissionMode): JsonObject => ({ ...POLICIES[mode] })

/** What Codex said of the conversation that it opened. */
export interface Opened {
  readonly threadId: string
  readonly model: string
  readonly effort: Json
  /** The sandbox in which it works, with what the user's own settings add. */
  readonly sandbox: Json
}

/** Settings of a turn and those after it. */
export const toTurnSettings = (mode: PermissionMode, { model, effort, sandbox }: Opened): JsonObject => ({
  approvalPolicy: POLICIES[mode].approvalPolicy,
  sandboxPolicy: mode === 'plan' ? { type: 'readOnly', networkAccess: false } : sandbox,
  collaborationMode: {
    mode: mode === 'plan' ? 'plan' : 'default',
    settings: { model, reasoning_effort: effort, developer_instructions: null },
  },
})

/**
 * Codex reads no text of a repository that is not trusted, and ours never is (see command.ts). A text does no harm by itself,
 * so the agent is told to read it.
 */
export const READ_INSTRUCTIONS: JsonObject = {
  additionalContext: {
    troupe: {
      kind: 'application',
      value:
        'Before you work in a folder of this repository, read the nearest AGENTS.md, if there is one that you have not read.',
    },
  },
}
