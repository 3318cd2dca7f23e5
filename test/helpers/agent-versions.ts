/** The one place that says which versions of real agents the tests run. */
export const AGENT_PACKAGES = {
  'claude-code': { name: '@anthropic-ai/claude-code', version: '2.1.330' },
} as const

export type PinnedAgent = keyof typeof AGENT_PACKAGES
