/** What every part logs through; the host gives it pino, tests collect. */

export interface Logger {
  debug(fields: object, text: string): void
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
