/**
 * What a permission mode means. Pure. OpenCode asks for every edit and command (see command.ts); the mode says which of it reaches
 * people. So it can change in mid-session, when a plan was approved. `plan` is OpenCode's own agent for planning, which is told to
 * change nothing; what it would edit nevertheless is refused.
 */
import type { PermissionMode } from 'troupe/plugin'

/** The decision that needs no person. */
export function decisionFor(mode: PermissionMode, permission: string): 'allow' | 'deny' | undefined {
  if (mode === 'full') return 'allow'
  if (permission !== 'edit') return undefined
  if (mode === 'plan') return 'deny'
  return mode === 'accept_edits' ? 'allow' : undefined
}
