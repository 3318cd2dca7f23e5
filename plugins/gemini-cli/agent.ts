/** Gemini CLI over ACP. */
import { asString } from 'troupe/plugin'
import { makeAcpAgent } from '../acp/make-agent.ts'
import { toCommand } from './command.ts'
import { detect, INSTALL_HINT, SIGN_IN_HINT } from './detect.ts'
import { translate, usageOf } from './translate.ts'

export const geminiCli = makeAcpAgent({
  name: 'Gemini CLI',
  program: 'gemini',
  detect,
  toCommand,
  // It accepts edits by itself only in folders that it trusts; here they are allowed by Troupe.
  modes: { accept_edits: [] },
  isQuestion: ({ name }, server) => asString(name)?.startsWith(`mcp_${server.name}_`) === true,
  pastComesLate: true,
  preface:
    'Before you work in a folder of this repository, read the nearest GEMINI.md or AGENTS.md, if there is one that you have not read.\n\n',
  translate,
  usageOf,
  install: INSTALL_HINT,
  signIn: SIGN_IN_HINT,
})
