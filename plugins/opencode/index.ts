/** OpenCode as an agent: the plugin's default export. */
import { definePlugin } from 'troupe/plugin'
import { detect } from './detect.ts'
import { run } from './run.ts'

export default definePlugin({ agents: { opencode: { detect, run } } })
