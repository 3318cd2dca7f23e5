/** What kind of work each tool of Claude Code does. */
import type { ToolKind } from 'troupe/plugin'

const KINDS = new Map<string, ToolKind>([
  ['Read', 'read'],
  ['NotebookRead', 'read'],
  ['Edit', 'edit'],
  ['MultiEdit', 'edit'],
  ['NotebookEdit', 'edit'],
  ['Write', 'edit'],
  ['Bash', 'command'],
  ['BashOutput', 'command'],
  ['KillShell', 'command'],
  ['PowerShell', 'command'],
  ['Glob', 'search'],
  ['Grep', 'search'],
  ['LS', 'search'],
  ['ToolSearch', 'search'],
  ['WebSearch', 'search'],
  ['WebFetch', 'fetch'],
  ['Agent', 'agent'],
  ['Task', 'agent'],
])

export const kindOf = (toolName: string): ToolKind => KINDS.get(toolName) ?? 'other'
