/** JSON text and plain text that both databases take. */

import type { Json } from '../base/json.ts'
import type { Tx } from './tx.ts'

const REPLACEMENT = '\uFFFD'

/** PostgreSQL's `text` has no NUL character, and what an agent prints may have. */
export const toPlainText = (text: string): string => text.replaceAll('\0', REPLACEMENT)

/** PostgreSQL's `jsonb` takes neither NUL nor half a surrogate pair, even escaped. */
export const toJsonText = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? toPlainText(part.toWellFormed()) : part))

/** SQLite gives JSON columns as text, PostgreSQL parsed. */
export const parseJson = (tx: Tx, value: Json): Json =>
  tx.driver === 'sqlite' && typeof value === 'string' ? JSON.parse(value) : value
