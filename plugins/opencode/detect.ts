/** Whether OpenCode can be used on this machine. */
import { type DetectIo, type Detection, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `npm install -g opencode-ai`, or name its path as `program` in [agents.opencode].'

export const SIGN_IN_HINT =
  'Run `opencode auth login` and sign in, or set the API key of your model service in the environment of Troupe, for example ANTHROPIC_API_KEY.'

const SECRETS = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY', 'OPENCODE_API_KEY']

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'opencode')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const [signedIn, models] = await Promise.all([findCredential(io), readModels(io, program)])
  const hint = signedIn !== 'yes' && { hint: SIGN_IN_HINT }
  return { installed: true, program, version, signedIn, ...hint, ...(models.length > 0 && { models }) }
}

/** Keys may also be in the user's own configuration of OpenCode, and some models need none. */
async function findCredential(io: DetectIo): Promise<Detection['signedIn']> {
  const given = await Promise.all(SECRETS.map((name) => io.hasSecret(name)))
  return given.includes(true) || (await io.fileExists('~/.local/share/opencode/auth.json')) ? 'yes' : 'unknown'
}

/** One a line, as `provider/model`; none when it cannot tell. */
async function readModels(io: DetectIo, program: string): Promise<string[]> {
  const { code, stdout } = await io.run(program, ['models'])
  return code === 0 ? stdout.split('\n').filter((line) => /^[\w.-]+\/\S+$/.test(line)) : []
}
