/** Any program that speaks the Agent Client Protocol (ACP), as the user's configuration names it: the plugin's default export. */
import { definePlugin } from 'troupe/plugin'
import { acp } from './agent.ts'

export default definePlugin({ agents: { acp } })
