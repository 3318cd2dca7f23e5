/**
 * What a permission mode means to Aider. Pure.
 *
 * Aider asks before it takes a file up for editing or makes a new one, and before each command; in a file that it has taken up it
 * edits without asking. So `ask` asks once a file, not once an edit. `plan` is its chat mode `ask`, in which it edits nothing.
 */
import type { PermissionMode } from 'troupe/plugin'

/** Would open a browser, an account or the network on the user's machine: nothing that a task needs. */
const NEVER = /\bURL\b|\burl\b|Login|browser|analytics|install|what's new|create one to track/i

export const isCommand = (question: string): boolean => question.startsWith('Run shell command')

/** Follows from what was allowed before. */
const CONSEQUENCE = /^(Add command output to the chat|Try to proceed anyway)/
/** Reads only. */
const READ = /^Add file to the chat/

/** The answer that needs no person. */
export function answerFor(mode: PermissionMode, question: string): 'y' | 'n' | undefined {
  if (NEVER.test(question)) return 'n'
  if (CONSEQUENCE.test(question)) return 'y'
  if (mode === 'ask') return undefined
  if (mode === 'plan') return READ.test(question) ? 'y' : 'n'
  return mode === 'accept_edits' && isCommand(question) ? undefined : 'y'
}
