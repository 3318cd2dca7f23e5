/** Whether the program that the user's configuration names is there. Its version and account it tells only in a session. */
import type { Detection, DetectIo } from 'troupe/plugin'

export const CONFIGURE_HINT =
  'Name an ACP agent as `program`, and its arguments as `args`, in [agents.acp]; for example `program = "opencode"`, `args = ["acp"]`.'

export const SIGN_IN_HINT =
  "Sign in with the agent's own program, or set the key that it reads in the environment of Troupe."

export async function detect(io: DetectIo): Promise<Detection> {
  const wanted = io.settings.program
  const program = wanted === undefined ? undefined : await io.find(wanted)
  if (program !== undefined) return { installed: true, program, signedIn: 'unknown' }
  const missing = wanted === undefined ? '' : `There is no program "${wanted}". `
  return { installed: false, signedIn: 'unknown', hint: `${missing}${CONFIGURE_HINT}` }
}
