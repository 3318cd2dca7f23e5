/** Whether Aider can be used on this machine. It can name thousands of models, known to it or not, so none are told. */
import { type DetectIo, type Detection, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `pipx install aider-chat`, or name its path as `program` in [agents.aider].'

export const SIGN_IN_HINT =
  'Set the API key of your model service in the environment of Troupe, for example OPENAI_API_KEY or ANTHROPIC_API_KEY.'

const SECRETS = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY', 'DEEPSEEK_API_KEY']

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'aider')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const signedIn = await findCredential(io)
  return { installed: true, program, version, signedIn, ...(signedIn !== 'yes' && { hint: SIGN_IN_HINT }) }
}

/** Keys may also be in the user's own configuration of Aider, and some models need none. */
async function findCredential(io: DetectIo): Promise<Detection['signedIn']> {
  const given = await Promise.all(SECRETS.map((name) => io.hasSecret(name)))
  return given.includes(true) || (await io.fileExists('~/.aider/oauth-keys.env')) ? 'yes' : 'unknown'
}
