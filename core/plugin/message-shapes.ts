/** What messages may look like, as data that a plugin's thread can have without the library that declares it: 8 MB less for each. */
import { z } from 'zod'
import { messageBody } from '../contract/messages.ts'
import type { FieldShape, MessageShapes } from './message-check.ts'

/** Written by the host: from what `run` returns, and from what people say. */
const HOST_MESSAGES: readonly string[] = ['userMessage', 'userQuestion', 'userAnswer', 'complete']

const property = z.union([
  z.object({ const: z.string() }).transform(({ const: only }): FieldShape['is'] => [only]),
  z.object({ enum: z.array(z.string()) }).transform(({ enum: names }): FieldShape['is'] => names),
  z.object({ type: z.enum(['string', 'number', 'boolean']) }).transform(({ type }): FieldShape['is'] => type),
  z.object({ $ref: z.string() }).transform((): FieldShape['is'] => 'json'),
])

const shape = z.object({ properties: z.record(z.string(), property), required: z.array(z.string()) })

const typeOf = z.object({ properties: z.object({ type: z.object({ const: z.string() }) }) })

/** From the contract. @throws when it holds what a thread could not check. */
export function toMessageShapes(): MessageShapes {
  const { oneOf } = z.toJSONSchema(messageBody, { io: 'input' })
  const named = (oneOf ?? []).map((message) => [typeOf.parse(message).properties.type.const, message] as const)
  const shapes = named.flatMap(([type, message]) => (HOST_MESSAGES.includes(type) ? [] : [[type, toFields(message)]]))
  return Object.fromEntries(shapes)
}

function toFields(message: unknown): FieldShape[] {
  const { properties, required } = shape.parse(message)
  const names = ['type', ...Object.keys(properties).filter((name) => name !== 'type')]
  return names.map((name) => ({ name, is: properties[name] ?? 'json', required: required.includes(name) }))
}
