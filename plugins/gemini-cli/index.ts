/** Gemini CLI as an agent: the plugin's default export. */
import { definePlugin } from 'troupe/plugin'
import { geminiCli } from './agent.ts'

export default definePlugin({ agents: { 'gemini-cli': geminiCli } })
