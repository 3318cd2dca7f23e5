/** Whether Codex CLI can be used on this machine. */
import { type DetectIo, type Detection, asObjects, asString, parseObject, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `npm install -g @openai/codex`, or name its path as `program` in [agents.codex-cli].'

export const SIGN_IN_HINT = 'Run `codex login` and sign in, or set CODEX_API_KEY in the environment of Troupe.'

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'codex')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const [signedIn, models] = await Promise.all([findCredential(io, program), readModels(io, program)])
  const hint = signedIn !== 'yes' && { hint: SIGN_IN_HINT }
  return { installed: true, program, version, signedIn, ...hint, ...(models.length > 0 && { models }) }
}

/** Its words come on stderr. One that knows no `login status` says something else, and nothing is known then. */
async function findCredential(io: DetectIo, program: string): Promise<Detection['signedIn']> {
  if (await io.hasSecret('CODEX_API_KEY')) return 'yes'
  const { code, stdout, stderr } = await io.run(program, ['login', 'status'])
  if (code === 0) return 'yes'
  return /not logged in/i.test(stdout + stderr) ? 'no' : 'unknown'
}

/** The models that it offers to people; none when it cannot tell. */
async function readModels(io: DetectIo, program: string): Promise<string[]> {
  const { stdout } = await io.run(program, ['debug', 'models'])
  return asObjects(parseObject(stdout)?.['models'])
    .filter(({ visibility }) => visibility === 'list')
    .flatMap(({ slug }) => asString(slug) ?? [])
}
