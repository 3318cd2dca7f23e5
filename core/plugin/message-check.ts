/** Checks messages in a plugin's thread, where the contract is data (see message-shapes.ts). */
import { DEEPEST, isDeeper } from './contract/json.ts'

export interface FieldShape {
  readonly name: string
  /** A list names the only values; `json` is whatever JSON can say. */
  readonly is: 'string' | 'number' | 'boolean' | 'json' | readonly string[]
  readonly required: boolean
}

/** The fields of each message that a plugin may emit, by its type; `type` is the first. */
export type MessageShapes = Readonly<Record<string, readonly FieldShape[]>>

/**
 * The JSON of the message, with the fields that it may have, its type first.
 * @throws TypeError that names the field which is wrong.
 */
export function toMessageJson(shapes: MessageShapes, message: unknown): string {
  const given = asFields(message)
  const type = given['type']
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined
  if (!shape) throw new TypeError(`type: ${JSON.stringify(type)} is none that a plugin may emit`)
  const body: Record<string, unknown> = {}
  for (const field of shape) {
    const value = given[field.name]
    if (value === undefined && !field.required) continue
    assertField(field, value)
    body[field.name] = value
  }
  return JSON.stringify(body)
}

const asFields = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no object')
  return { ...value }
}

function assertField({ name, is }: FieldShape, value: unknown): void {
  if (is === 'json') {
    if (value === undefined || typeof value === 'function') throw new TypeError(`${name}: is not JSON`)
    if (isDeeper(value, DEEPEST)) throw new TypeError(`${name}: is nested too deeply`)
  } else if (typeof is === 'string') {
    if (typeof value !== is || Number.isNaN(value)) throw new TypeError(`${name}: is not a ${is}`)
  } else if (typeof value !== 'string' || !is.includes(value)) {
    throw new TypeError(`${name}: is none of ${is.slice(0, 10).join(', ')}`)
  }
}
