/** Whether Amp can be used on this machine. */
import { type DetectIo, type Detection, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `npm install -g @ampcode/cli`, or name its path as `program` in [agents.amp].'

export const SIGN_IN_HINT =
  'Run `amp login` and sign in, or set AMP_API_KEY in the environment of Troupe to an access token.'

/** Amp chooses models by itself; people choose one of these modes. */
const MODES = ['low', 'medium', 'high', 'ultra']

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'amp')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const found = await Promise.all([io.hasSecret('AMP_API_KEY'), io.fileExists('~/.local/share/amp/secrets.json')])
  const signedIn = found.includes(true) ? 'yes' : 'no'
  return {
    installed: true,
    program,
    version,
    models: MODES,
    signedIn,
    ...(signedIn === 'no' && { hint: SIGN_IN_HINT }),
  }
}
