/** What the two drivers throw, as errors of the table. */
import { type ErrorCode, TroupeError } from '../base/errors.ts'

interface Meaning {
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly text: string
}

/** By the code: `SQLITE_...`, a SQLSTATE of five letters and digits, or an errno name of a lost connection. */
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

/** What `pg` says in words alone. */
const LOST_CONNECTION =
  /^Connection terminated|^Client has encountered a connection error|^timeout exceeded when trying|^Query read timeout/
const CONNECTION_FAILURE = '08006'

/** https://www.sqlite.org/rescode.html; of a constraint the whole code counts, of all others the last byte. */
const SQLITE_NAMES: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
  2579: 'SQLITE_CONSTRAINT_ROWID',
}

/** The driver's code by name, empty when no driver threw it. While migrating, MikroORM wraps the driver's error. */
export function driverCode(error: Error): string {
  if ('errcode' in error && typeof error.errcode === 'number') {
    return SQLITE_NAMES[error.errcode] ?? SQLITE_NAMES[error.errcode & 0xff] ?? `SQLITE_${error.errcode}`
  }
  if ('code' in error && typeof error.code === 'string') return error.code
  if (LOST_CONNECTION.test(error.message)) return CONNECTION_FAILURE
  return error.cause instanceof Error ? driverCode(error.cause) : ''
}

const firstLine = (error: Error): string => error.message.split('\n')[0] ?? ''
