/** The agent whose program the user's configuration names. */
import { toCommand } from './command.ts'
import { CONFIGURE_HINT, detect, SIGN_IN_HINT } from './detect.ts'
import { makeAcpAgent } from './make-agent.ts'

export const acp = makeAcpAgent({
  name: 'The ACP agent',
  detect,
  toCommand,
  asksItself: (name) => name === 'Claude Agent',
  install: CONFIGURE_HINT,
  signIn: SIGN_IN_HINT,
})
