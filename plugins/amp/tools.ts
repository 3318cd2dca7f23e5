/** What kind of work each tool of Amp does. */
import type { ToolKind } from 'troupe/plugin'

const KINDS = new Map<string, ToolKind>([
  ['Bash', 'command'],
  ['Read', 'read'],
  ['look_at', 'read'],
  ['create_file', 'edit'],
  ['edit_file', 'edit'],
  ['undo_edit', 'edit'],
  ['finder', 'search'],
  ['glob', 'search'],
  ['Grep', 'search'],
  ['web_search', 'search'],
  ['read_web_page', 'fetch'],
  ['librarian', 'agent'],
  ['oracle', 'agent'],
  ['Task', 'agent'],
])

export const kindOf = (toolName: string): ToolKind => KINDS.get(toolName) ?? 'other'
