/** How the program is called: as the user's configuration says. Pure. */
import type { Command, RunEnd, Session } from 'troupe/plugin'
import { CONFIGURE_HINT } from './detect.ts'

export function toCommand({ settings }: Session): Command | Extract<RunEnd, { kind: 'error' }> {
  if (settings.program !== undefined) return { program: settings.program, args: settings.args }
  return { kind: 'error', code: 'AGENT_SETTINGS', message: `No program is set for the agent "acp". ${CONFIGURE_HINT}` }
}
