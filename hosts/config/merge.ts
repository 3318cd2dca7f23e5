/** Lays one table over another. */
import { type Table, isTable } from './schema.ts'

/** Tables are joined key by key; anything else in `over` replaces what is in `under`. Null in `over` removes the key. */
export function mergeTables(under: Table, over: Table): Table {
  const merged = new Map(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const beneath = merged.get(key)
    if (value === null) merged.delete(key)
    else merged.set(key, isTable(value) ? mergeTables(isTable(beneath) ? beneath : {}, value) : value)
  }
  // Not by assignment: a key `__proto__` would set the prototype.
  return Object.fromEntries(merged)
}

/** A table that holds one value, at a place of at least one key. */
export function nestTable([key = '', ...rest]: readonly string[], value: unknown): Table {
  return Object.fromEntries([[key, rest.length === 0 ? value : nestTable(rest, value)]])
}
