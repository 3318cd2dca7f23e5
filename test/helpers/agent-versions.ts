/** The one place that says which versions of real agents the tests run. */
export const AGENT_PACKAGES = {
  'claude-code': { name: '@anthropic-ai/claude-code', version: '2.1.330' },
  'codex-cli': { name: '@openai/codex', version: '0.169.0' },
  'gemini-cli': { name: '@google/gemini-cli', version: '0.61.0' },
  /** Its newest launcher names a program that was never published. */
  amp: { name: '@ampcode/cli', version: '0.0.1790142911-g7618fb' },
  opencode: { name: 'opencode-ai', version: '1.18.33' },
  /** From PyPI, in a virtual environment of its own. */
  aider: { name: 'aider-chat', version: '0.86.2' },
  /** The ACP adapter for Claude Code, with a Claude Code of its own. */
  'claude-agent-acp': { name: '@agentclientprotocol/claude-agent-acp', version: '0.101.0' },
  /** Not an agent: a peer, which the benchmarks run beside Troupe. */
  'sandbox-agent': { name: '@sandbox-agent/cli', version: '0.4.2' },
} as const

export type PinnedAgent = keyof typeof AGENT_PACKAGES
