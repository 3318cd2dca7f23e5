/** The ids of the lines that go into Claude Code. Pure. */
import { createHash } from 'node:crypto'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * A UUID that is always the same for `name`. Claude Code ignores a line whose id it has seen, in whatever turn; so what may or may
 * not have reached it before a crash is simply written again.
 */
export function toLineId(name: string): string {
  if (UUID.test(name)) return name
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
