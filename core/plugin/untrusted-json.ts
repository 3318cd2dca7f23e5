/** JSON from a stranger. Pure. */

/**
 * How many values it may hold. A small number beside its bytes: a few bytes of text become a value of some ten, and the host stands
 * still while it makes them.
 */
const MOST_VALUES = 250_000

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `,`, `[` and `{`: before each value but the first there is one of them, or a colon with a key that follows one. */
const BEFORE_VALUE: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b])

/** @throws SyntaxError when it is no JSON, RangeError when it holds too many values; then none of them was made. */
export function parseUntrusted(json: string): unknown {
  if (json.length > MOST_VALUES && holdsMore(json, MOST_VALUES))
    throw new RangeError(`it holds more than ${MOST_VALUES} values`)
  return JSON.parse(json)
}

function holdsMore(json: string, most: number): boolean {
  let values = 0
  let inString = false
  for (let index = 0; index < json.length && values <= most; index++) {
    const code = json.charCodeAt(index)
    if (code === QUOTE) inString = !inString
    else if (code === BACKSLASH) index++
    else if (!inString && BEFORE_VALUE.has(code)) values++
  }
  return values > most
}
