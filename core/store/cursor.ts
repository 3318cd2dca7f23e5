/** Opaque page marks: a place in a list ordered by time and id. */
import { fail } from '../base/errors.ts'
import { isRowId } from './rows.ts'

export interface Place {
  readonly createdAt: string
  readonly id: string
}

export const toCursor = ({ createdAt, id }: Place): string =>
  Buffer.from(`${createdAt} ${id}`, 'utf8').toString('base64url')

/** @throws TroupeError INVALID_PARAMS when the text did not come from `toCursor`. */
export function fromCursor(cursor: string): Place {
  const [createdAt = '', id = '', ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ')
  if (rest.length > 0 || Number.isNaN(Date.parse(createdAt)) || !isRowId(id)) {
    fail('INVALID_PARAMS', 'The cursor is not one that this list gave. Leave it out to begin at the first page.')
  }
  return { createdAt: new Date(createdAt).toISOString(), id }
}
