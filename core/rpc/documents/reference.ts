/** The reference page of all methods, in Markdown. */
import { groups } from '../../contract/catalogue.ts'
import type { Method } from '../../contract/method.ts'
import { COMMON_ERRORS } from '../common-errors.ts'
import { contractSchemas, type ContractSchemas, type JsonSchema } from './schemas.ts'
import { shape } from './shape.ts'

export function referencePage(): string {
  const schemas = contractSchemas()
  return [
    INTRODUCTION,
    contents(),
    ...Object.entries(groups).map(([group, methods]) => section(upper(group), methods, schemas)),
    typeSection('Notifications', NOTIFICATIONS, schemas.notifications),
    typeSection('Types', 'The records and unions that the methods above speak of.', schemas.types),
  ].join('\n\n')
}

const INTRODUCTION = `<!-- Made from core/contract by \`npm run docs\`; do not edit. -->

# Methods

JSON-RPC 2.0, the same everywhere: HTTP \`POST /rpc\` (batches too; only notifications answer 204), WebSocket \`/ws\`
(calls both ways and subscriptions), the same two on the host's unix socket, and a MessagePort in process. Parameters
go by name. Over TCP every call needs the token that the host prints at its start: \`Authorization: Bearer <token>\`,
on a WebSocket also as the subprotocol \`troupe.token.<token>\` beside \`troupe.v1\`.

\`\`\`sh
curl -s "$TROUPE_URL/rpc" -H "Authorization: Bearer $TROUPE_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"listUnitTasks","params":{"limit":10}}'
\`\`\`

An error has the code of JSON-RPC in \`error.code\`, our own stable name in \`error.data.code\` and facts for programs in
\`error.data.details\`; the [table of errors](errors.md) has them all. Besides the errors named with a method, any call
may be answered with ${COMMON_ERRORS.map((code) => `\`${code}\``).join(', ')}.

Who may call: \`public\` everyone, \`viewer\`, \`member\` and \`admin\` a user of at least this role; on a local host who has
the token may call all of them. The document for machines is [openrpc.json](openrpc.json), which a host serves as
\`/openrpc.json\`.`

const NOTIFICATIONS = `What a host sends unasked on a connection that subscribed; the first comes after the answer
that names its \`subscriptionId\`.`

function contents(): string {
  const lines = Object.entries(groups).map(([group, methods]) => {
    const links = Object.keys(methods).map((name) => `[${name}](#${name.toLowerCase()})`)
    return `- **${upper(group)}**: ${links.join(', ')}`
  })
  return lines.join('\n')
}

function section(title: string, methods: Readonly<Record<string, Method>>, schemas: ContractSchemas): string {
  const parts = Object.entries(methods).map(([name, method]) => methodPart(name, method, schemas))
  return [`## ${title}`, ...parts].join('\n\n')
}

function methodPart(name: string, method: Method, { params, results }: ContractSchemas): string {
  return [
    `### ${name}`,
    method.doc,
    code(`type Params = ${shape(params.get(name))}\ntype Result = ${shape(results.get(name))}`),
    facts(method),
  ].join('\n\n')
}

function facts({ access, subscribes, errors }: Method): string {
  return [
    `Access: \`${access}\``,
    subscribes && 'only where notifications can be sent, so not over HTTP',
    errors.length > 0 && `errors: ${errors.map((name) => `\`${name}\``).join(', ')}`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' · ')
}

function typeSection(title: string, words: string, schemas: ReadonlyMap<string, JsonSchema>): string {
  const types = [...schemas].map(([name, schema]) => `### ${name}\n\n${code(`type ${upper(name)} = ${shape(schema)}`)}`)
  return [`## ${title}`, words, ...types].join('\n\n')
}

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

const code = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``
