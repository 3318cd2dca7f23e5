/** What the two drivers throw, as errors of the table. */
import { type ErrorCode, TroupeError } from '../base/errors.ts'

interface Meaning {
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly text: string
}

/** By the driver's code: `SQLITE_...`, a SQLSTATE of five letters and digits, or an errno name of a lost connection. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /^SQLITE_(BUSY|LOCKED)|^(55P03|40P01|40001|57014)$/,
    code: 'STORE_BUSY',
    text: 'The database is locked by another program. Try again; end other programs that use it.',
  },
  {
    pattern: /^SQLITE_(CORRUPT|NOTADB)|^XX00[12]$/,
    code: 'STORE_CORRUPT',
    text: 'The database is damaged, or the file is none of Troupe. Put back a copy of it, or move it away to begin anew.',
  },
  {
    pattern: /^SQLITE_FULL$|^53100$/,
    code: 'STORE_FAILED',
    text: 'The disk of the database is full. Make room and try again.',
  },
  {
    pattern: /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|^(25006|42501)$/,
    code: 'STORE_FAILED',
    text: 'The database may not be opened or written. Check the permissions of its file or user.',
  },
  {
    pattern: /^SQLITE_(IOERR|NOMEM|TOOBIG)|^(53|58|54)/,
    code: 'STORE_FAILED',
    text: 'The database failed to read or write.',
  },
  {
    pattern: /^(08|28|3D|57P)|^E[A-Z]{3,}$/,
    code: 'STORE_FAILED',
    text: 'The database server does not answer or refused the connection. Check that it runs and its address.',
  },
  {
    pattern: /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID)$|^23505$/,
    code: 'CONFLICT',
    text: 'A record with this key exists already.',
  },
  {
    pattern: /^SQLITE_CONSTRAINT_FOREIGNKEY$|^23503$/,
    code: 'CONFLICT',
    text: 'A record that this one needs is missing, or others still use it.',
  },
]

/** Gives what to throw in place of `error`: one of the table when the driver threw it, else `error` itself. */
export function fromDriverError(error: unknown): unknown {
  if (error instanceof TroupeError || !(error instanceof Error)) return error
  const code = driverCode(error)
  const meaning = MEANINGS.find(({ pattern }) => pattern.test(code))
  if (!meaning) return error
  return new TroupeError(meaning.code, `${meaning.text} (${code}: ${firstLine(error)})`, { driverCode: code }, error)
}

/** Awaits `work`, its driver errors mapped. */
export async function mapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw fromDriverError(error)
  }
}

/** MikroORM wraps the driver's error, with its code; a refused connection hides its own inside an AggregateError. */
function driverCode(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause instanceof Error ? driverCode(error.cause) : ''
}

/** MikroORM puts the statement before the reason. */
const firstLine = (error: Error): string => (error.message.split(' - ').at(-1) ?? error.message).split('\n')[0] ?? ''
