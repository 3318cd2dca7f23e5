/** Whether Gemini CLI can be used on this machine. */
import { type DetectIo, type Detection, readVersion } from 'troupe/plugin'

export const INSTALL_HINT =
  'Install it with `npm install -g @google/gemini-cli`, or name its path as `program` in [agents.gemini-cli].'

export const SIGN_IN_HINT = 'Run `gemini` once and sign in, or set GEMINI_API_KEY in the environment of Troupe.'

export async function detect(io: DetectIo): Promise<Detection> {
  const program = await io.find(io.settings.program ?? 'gemini')
  if (program === undefined) return { installed: false, signedIn: 'unknown', hint: INSTALL_HINT }
  const version = await readVersion(io, program)
  if (version === undefined) {
    return { installed: false, program, signedIn: 'unknown', hint: `${program} cannot be run. ${INSTALL_HINT}` }
  }
  const signedIn = await findCredential(io)
  return { installed: true, program, version, signedIn, ...(signedIn !== 'yes' && { hint: SIGN_IN_HINT }) }
}

/** It may keep a credential in the system's keychain too, which only it can read. */
async function findCredential(io: DetectIo): Promise<Detection['signedIn']> {
  const found = await Promise.all([
    io.hasSecret('GEMINI_API_KEY'),
    io.fileExists('~/.gemini/oauth_creds.json'),
    io.fileExists('~/.gemini/gemini-credentials.json'),
  ])
  return found.includes(true) ? 'yes' : 'unknown'
}
