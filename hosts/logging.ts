/** The log of a host: JSON lines in `<data>/logs/host.log`, and, when asked for, warnings on stderr. */
import { renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type BaseLogger, type DestinationStream, destination, multistream, pino, stdSerializers } from 'pino'
import { TroupeError, fail } from '../core/base/errors.ts'
import type { Logger } from '../core/base/logger.ts'
import type { DataDirectory, Environment } from './data-directory.ts'

const ROTATE_AT_BYTES = 10 * 1024 * 1024
const LEVELS = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof LEVELS)[number]

/** Fields whose values may hold a secret, at the top and one level down. */
const SECRET_FIELDS = ['token', 'authorization', 'password', 'secret', 'secrets', 'env', 'headers', 'cookie', 'prompt']

export interface LoggingOptions {
  readonly dataDirectory: Pick<DataDirectory, 'logs'>
  readonly env: Environment
  /** Gets warnings and errors too, as lines of JSON. */
  readonly diagnostics?: Writable
  /** Only the holder of the host lock may: two processes would rename each other's file. */
  readonly rotate?: boolean
}

/**
 * Opens the log; `TROUPE_LOG_LEVEL` is `debug`, `info` (default), `warn` or `error`. Lines are written at once, so that
 * a crash loses none; hosts log rarely.
 * @throws TroupeError CONFIG_INVALID, DATA_DIR_UNUSABLE
 */
export function openLogger(options: LoggingOptions): Logger & Disposable {
  const level = toLevel(options.env['TROUPE_LOG_LEVEL'])
  const file = openLogFile(options)
  const streams: { level: Level; stream: DestinationStream }[] = [{ level, stream: file }]
  if (options.diagnostics) streams.push({ level: 'warn', stream: options.diagnostics })
  const logger = pino(
    {
      level,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
      serializers: { error: stdSerializers.err },
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
    },
    multistream(streams),
  )
  return toLogger(logger, () => file.end())
}

/** Bound explicitly: whoever holds the logger may take its functions out of it. */
function toLogger(logger: BaseLogger, close: () => void): Logger & Disposable {
  return {
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
    [Symbol.dispose]: close,
  }
}

function openLogFile({ dataDirectory, rotate }: LoggingOptions): ReturnType<typeof destination> {
  const path = join(dataDirectory.logs, 'host.log')
  try {
    if (rotate && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_AT_BYTES)
      renameSync(path, `${path}.1`)
    const file = destination({ dest: path, sync: true, mode: 0o600 })
    // A log that cannot be written, for example on a full disk, must not take the host with it.
    file.on('error', () => {})
    return file
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TroupeError('DATA_DIR_UNUSABLE', `The log ${path} cannot be written: ${reason}.`, { path }, error)
  }
}

function toLevel(wanted: string | undefined): Level {
  if (!wanted) return 'info'
  return (
    LEVELS.find((level) => level === wanted) ??
    fail('CONFIG_INVALID', `TROUPE_LOG_LEVEL must be one of ${LEVELS.join(', ')}, found "${wanted}".`)
  )
}
