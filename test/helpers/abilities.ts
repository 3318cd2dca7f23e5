/**
 * What each agent can do, as far as a test shows it with the real program. A test says which abilities it shows:
 * `it('stops in mid-tool', shows('acp', 'interrupt'), async () => { ... })`; ability-reporter.ts makes the table of docs/agents.md of it.
 */
import type { TestOptions } from 'vitest'

export const ABILITIES = [
  'start',
  'text',
  'tools',
  'question',
  'permission',
  'follow-up',
  'resume',
  'interrupt',
  'usage',
  'quota',
  'crash',
] as const

export type Ability = (typeof ABILITIES)[number]

declare module 'vitest' {
  interface TaskMeta {
    /** What the test shows of an agent. */
    shows?: { readonly agent: string; readonly abilities: readonly Ability[] }
  }
}

/** Options of a test that shows abilities of an agent with its real program. */
export const shows = (agent: string, ...abilities: readonly Ability[]): TestOptions => ({
  meta: { shows: { agent, abilities } },
})

/** What an agent does not have, with the reason; every other ability must be shown by a test. */
export const NOT_OFFERED: Readonly<Record<string, Partial<Readonly<Record<Ability, string>>>>> = {
  aider: {
    question: 'it asks for permissions only; what else it wants to know is in its text',
  },
  amp: {
    permission: 'it cannot ask over its JSON stream: it runs with every permission, or not at all',
  },
  command: {
    question: 'a shell asks nobody',
    permission: 'the command is the wish of the user',
    'follow-up': 'the command is not a conversation',
    resume: 'the command is not a conversation',
    usage: 'there is no model',
    quota: 'there is no model',
  },
}

/** What people should know of an ability that is shown. */
export const NOTES: typeof NOT_OFFERED = {
  aider: {
    usage: 'by a list of prices that Aider fetches once a day; it has no option against that',
  },
  amp: {
    start: 'it names neither its model nor its version',
    interrupt: 'a command that is at work is ended by the host',
    question: 'by the question server of Troupe; the real program takes it, and a stand-in for it was seen to ask',
  },
  'gemini-cli': {
    question:
      'by the question server of Troupe, only with `--skip-trust` in its `args`: in a folder that it does not trust it uses no MCP server',
  },
}
