/** The values of all keys that nobody set, in the form of a config.toml. */
import type { ConfigFile } from './schema.ts'

export const DEFAULTS = {
  agent: { execution: { agent: 'claude-code' }, planning: { agent: 'claude-code' } },
  agents: {},
  timeouts: { idle_minutes: 30, total_minutes: 0 },
  sandbox: { kind: 'process', network: 'bridge', pids: 1024 },
  concurrency: { max_sessions: 4 },
  branch: { template: 'troupe/${slug}-${taskId}' },
  worktree: { prepared: 1 },
  setup: { copy: [], trust: [] },
  retention: { mode: 'archive', after_days: 0, max_gb: 0 },
  notification: { enabled: true },
  shutdown: { sessions: 'end' },
  composite_task: { auto_approve: false },
  automation: { auto_fix_ci_failures: false, auto_fix_review_comments: false, max_auto_fix_attempts: 3 },
} satisfies ConfigFile
