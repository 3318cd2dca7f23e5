/** Errors as one line for people, or as JSON. */
import { CommanderError } from 'commander'
import { toEnvelope } from '../../core/base/errors.ts'
import type { Environment } from '../data-directory.ts'
import { EXIT } from './exit-codes.ts'
import { plainJson, plainText } from './render/sanitize.ts'
import { makeStyle } from './render/style.ts'
import type { Streams } from './streams.ts'

export interface ReportOptions {
  readonly streams: Streams
  readonly env: Environment
  readonly json: boolean
}

/** Prints the error on stderr and gives the exit code that goes with it. */
export function reportError(error: unknown, { streams: { stderr }, env, json }: ReportOptions): number {
  // Help or the version was shown.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  const envelope = toEnvelope(error)
  const style = makeStyle(stderr, env)
  const text = `${style.paint('red', 'error:')} ${plainText(envelope.message).trim()} ${style.paint('dim', `[${envelope.code}]`)}`
  stderr.write(`${json ? plainJson({ error: envelope }) : text}\n`)
  if (env['TROUPE_DEBUG'] === '1' && error instanceof Error) stderr.write(`${plainText(error.stack ?? '')}\n`)
  return envelope.code === 'USAGE' ? EXIT.usage : EXIT.failed
}
