/** Whether Claude Code can be used on this machine. */
import { type DetectIo, type Detection, parseObject, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `npm install -g @anthropic-ai/claude-code`, or name its path as `program` in [agents.claude-code].'

export const SIGN_IN_HINT =
  'Run `claude` once and sign in, or set CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or ANTHROPIC_API_KEY in the environment of Troupe.'

const SECRETS = ['CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_API_KEY']

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'claude')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const signedIn = await findCredential(io, program)
  return { installed: true, program, version, signedIn, ...(signedIn !== 'yes' && { hint: SIGN_IN_HINT }) }
}

/** Older versions have no `auth status`; they answer with something that is not JSON. */
async function findCredential(io: DetectIo, program: string): Promise<Detection['signedIn']> {
  const given = await Promise.all(SECRETS.map((name) => io.hasSecret(name)))
  if (given.includes(true)) return 'yes'
  const { stdout } = await io.run(program, ['auth', 'status'])
  const loggedIn = parseObject(stdout)?.['loggedIn']
  if (typeof loggedIn === 'boolean') return loggedIn ? 'yes' : 'no'
  return (await io.fileExists('~/.claude/.credentials.json')) ? 'yes' : 'unknown'
}
