/** Every schema of the contract as JSON Schema, with the named types as references. */
import { z } from 'zod'
import { catalogue } from '../../contract/catalogue.ts'
import { notifications } from '../../contract/notifications.ts'
import { namedTypes } from './named-types.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

export interface ContractSchemas {
  /** By method: what a caller may send, defaults left out. */
  readonly params: ReadonlyMap<string, JsonSchema>
  /** By method. */
  readonly results: ReadonlyMap<string, JsonSchema>
  /** By notification. */
  readonly notifications: ReadonlyMap<string, JsonSchema>
  /** By name, in the order of `namedTypes`; `Json` last. */
  readonly types: ReadonlyMap<string, JsonSchema>
}

export const REFERENCE = '#/components/schemas/'

export function contractSchemas(): ContractSchemas {
  const methods = Object.entries(catalogue)
  const params = convert('input', new Map(methods.map(([name, { params: schema }]) => [name, schema])))
  const results = convert('output', new Map(methods.map(([name, { result }]) => [name, result])))
  const events = convert('output', new Map(Object.entries(notifications)))
  const types = convert('output', new Map())
  return { params: params.own, results: results.own, notifications: events.own, types: types.named }
}

interface Converted {
  readonly own: ReadonlyMap<string, JsonSchema>
  readonly named: ReadonlyMap<string, JsonSchema>
}

/** Converts schemas together with the named types, so that each finds the others. */
function convert(io: 'input' | 'output', own: ReadonlyMap<string, z.ZodType>): Converted {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(namedTypes)) registry.add(schema, { id: name })
  for (const [name, schema] of own) registry.add(schema, { id: OWN + name })
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => REFERENCE + id, unrepresentable: 'any' })
  const { __shared: shared, ...rest } = tidy(schemas)
  const entries = Object.entries(rest)
  return {
    own: new Map(entries.filter(([name]) => name.startsWith(OWN)).map(([name, s]) => [name.slice(OWN.length), s])),
    named: new Map([...entries.filter(([name]) => !name.startsWith(OWN)), ...jsonType(shared)]),
  }
}

const OWN = 'own.'

/** zod keeps recursive schemas without a name apart; the only one of the contract is JSON itself. */
const SHARED = /#\/components\/schemas\/__shared#\/\$defs\/schema\d+/g

/** Schemas inside a document carry neither dialect nor address of their own. */
function tidy(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const text = JSON.stringify(schemas, (key, value: unknown) =>
    key === '$schema' || key === '$id' ? undefined : value,
  )
  const tidied: Record<string, JsonSchema> = JSON.parse(text.replace(SHARED, `${REFERENCE}Json`))
  return tidied
}

function jsonType(shared: JsonSchema | undefined): [string, JsonSchema][] {
  const forms = new Set(Object.values(shared?.$defs ?? {}).map((definition) => JSON.stringify(definition)))
  if (forms.size > 1) throw new Error('the contract has a recursive schema without a name; add it to namedTypes')
  return [...forms].map((text) => ['Json', JSON.parse(text)])
}
