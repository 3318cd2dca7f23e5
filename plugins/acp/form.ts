/** A form that an agent wants filled in (`elicitation/create`) as questions to a person, and the answers back. Pure. */
import {
  type Ask,
  type Json,
  type JsonObject,
  type QuestionOption,
  asArray,
  asObject,
  asObjects,
  asString,
  bounded,
} from 'troupe/plugin'

interface Field {
  readonly key: string
  readonly schema: JsonObject
  readonly options: readonly (QuestionOption & { readonly value: string })[]
  readonly multiple: boolean
  /** The field beside it for an answer in one's own words, as the adapter for Claude Code has it. */
  readonly ownWords?: string
}

const LONGEST_QUESTION = 20_000
const OWN_WORDS = '_custom'

export const declined: JsonObject = { action: 'decline' }
export const formCancelled: JsonObject = { action: 'cancel' }

/** The questions, one a field; undefined when it is no form. */
export function toFormAsks(params: JsonObject): Ask[] | undefined {
  if (params['mode'] !== 'form') return undefined
  const fields = readFields(params)
  const message = asString(params['message']) ?? ''
  return fields.map(({ schema, options, multiple }) => {
    const own = asString(schema['description']) ?? asString(schema['title'])
    const question = fields.length > 1 && own !== undefined ? own : message || (own ?? '')
    return {
      kind: 'question',
      question: bounded(question, LONGEST_QUESTION),
      ...(options.length > 0 && { options: options.map(toQuestionOption) }),
      ...(multiple && { multiple }),
    }
  })
}

/** @param answers In the order of the questions. */
export function toFormAnswer(params: JsonObject, answers: readonly string[]): JsonObject {
  const content = readFields(params).flatMap((field, index) => fill(field, (answers[index] ?? '').trim()))
  return { action: 'accept', content: Object.fromEntries(content) }
}

const toQuestionOption = ({ label, description }: QuestionOption): QuestionOption => ({
  label,
  ...(description !== undefined && { description }),
})

function readFields(params: JsonObject): Field[] {
  const properties = asObject(asObject(params['requestedSchema'])?.['properties']) ?? {}
  return Object.entries(properties).flatMap(([key, value]) => {
    const schema = asObject(value)
    const besides = key.endsWith(OWN_WORDS) && Object.hasOwn(properties, key.slice(0, -OWN_WORDS.length))
    if (!schema || besides) return []
    const multiple = schema['type'] === 'array'
    const ownWords = Object.hasOwn(properties, `${key}${OWN_WORDS}`) ? { ownWords: `${key}${OWN_WORDS}` } : {}
    return [{ key, schema, options: readOptions(schema), multiple, ...ownWords }]
  })
}

function readOptions(schema: JsonObject): Field['options'] {
  if (schema['type'] === 'boolean')
    return [true, false].map((value) => ({ label: value ? 'Yes' : 'No', value: String(value) }))
  const from = asObject(schema['items']) ?? schema
  const plain = asArray(from['enum']).flatMap((value) => (typeof value === 'string' ? [{ label: value, value }] : []))
  const titled = [...asObjects(from['oneOf']), ...asObjects(from['anyOf'])].flatMap((option) => {
    const value = asString(option['const'])
    const description = asString(option['description'])
    if (value === undefined) return []
    return [{ label: asString(option['title']) ?? value, value, ...(description !== undefined && { description }) }]
  })
  return [...titled, ...plain]
}

function fill(field: Field, answer: string): [string, Json][] {
  const { key, options, multiple, ownWords } = field
  if (answer === '') return []
  const given = multiple ? answer.split(/,\s*/) : [answer]
  const match = (text: string) => options.find(({ label }) => label.toLowerCase() === text.toLowerCase())?.value
  const chosen = given.flatMap((text) => match(text) ?? [])
  const words = given.filter((text) => match(text) === undefined).join(', ')
  if (words !== '' && ownWords !== undefined) return [...asChosen(field, chosen), [ownWords, words]]
  if (multiple) return [[key, options.length > 0 ? chosen : given]]
  return asChosen(field, chosen.length > 0 ? chosen : [answer])
}

/** As the type of the field wants it; what cannot be that is left out. */
function asChosen({ key, schema, multiple }: Field, values: readonly string[]): [string, Json][] {
  const [value] = values
  if (multiple) return values.length > 0 ? [[key, [...values]]] : []
  if (value === undefined) return []
  if (schema['type'] === 'boolean') return value === 'true' || value === 'false' ? [[key, value === 'true']] : []
  if (schema['type'] !== 'number' && schema['type'] !== 'integer') return [[key, value]]
  const number = Number(value)
  return Number.isFinite(number) ? [[key, number]] : []
}
