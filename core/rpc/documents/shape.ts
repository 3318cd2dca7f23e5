/** JSON Schema as a type of TypeScript, for people to read. */
import { REFERENCE, type JsonSchema } from './schemas.ts'

type Property = JsonSchema | boolean

/** For example `{ id: string; limit?: number // 1 to 500, default 50 }`, long objects with a line for each property. */
export function shape(schema: Property | undefined): string {
  if (schema === undefined || typeof schema === 'boolean') return 'unknown'
  if (schema.$ref) return schema.$ref.replace(REFERENCE, '')
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum) return schema.enum.map(literal).join(' | ')
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return alternatives.map(shape).join(' | ')
  if (schema.allOf) return schema.allOf.map((part) => grouped(shape(part))).join(' & ')
  return shapeOfType(schema)
}

function shapeOfType(schema: JsonSchema): string {
  switch (schema.type) {
    case 'object':
      return shapeOfObject(schema)
    case 'array':
      return `${grouped(shape(Array.isArray(schema.items) ? undefined : schema.items))}[]`
    case 'integer':
      return 'number'
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return schema.type
    default:
      return 'unknown'
  }
}

function shapeOfObject(schema: JsonSchema): string {
  const required = new Set(schema.required)
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    text: `${name}${required.has(name) ? '' : '?'}: ${shape(property)}`,
    remark: remarkOn(property),
  }))
  const line = `{ ${fields.map(({ text }) => text).join('; ')} }`
  if (fields.length > 0 && line.length <= LINE && fields.every(({ remark }) => remark === '')) return line
  if (fields.length > 0)
    return `{\n${fields.map(({ text, remark }) => `${text}${remark && ` // ${remark}`}\n`).join('')}}`
  return schema.additionalProperties ? `Record<string, ${shape(schema.additionalProperties)}>` : '{}'
}

/** Longest object that is written on one line. */
const LINE = 80

const grouped = (text: string): string => (/[|&]/.test(text) && !text.startsWith('{') ? `(${text})` : text)

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))

/** Bounds and default of a property; those that only say "a safe integer" are left out. */
function remarkOn(property: Property): string {
  if (typeof property === 'boolean') return ''
  const { default: value, minimum, maximum = property.maxLength } = property
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  const unit = property.type === 'string' ? ' characters' : ''
  return [
    least !== undefined && most !== undefined && `${least} to ${most}`,
    least !== undefined && most === undefined && `at least ${least}`,
    least === undefined && most !== undefined && most !== ID_LENGTH && `at most ${most}${unit}`,
    value !== undefined && `default ${literal(value)}`,
  ]
    .filter((part) => part !== false)
    .join(', ')
}

/** Every id has this bound; saying it each time would help nobody. */
const ID_LENGTH = 64
