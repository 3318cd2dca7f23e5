/** What a module imports, of every form that the language has. */
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'
import { readRepositoryFile } from '../helpers/repository-files.ts'

export interface Import {
  /** The module that imports, relative to the root. */
  readonly from: string
  /** As written. */
  readonly specifier: string
  /** A path relative to the root, or the specifier itself if it is not relative. */
  readonly target: string
  /** Gone at run time. */
  readonly typesOnly: boolean
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

function* walk(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child)
  }
}

const textOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined

const isModuleUrl = ({ type, callee, arguments: args }: Node): boolean =>
  type === 'NewExpression' && isNode(callee) && callee['name'] === 'URL' && Array.isArray(args) && args.length === 2

/** The place of another module: `new URL('./thread.ts', import.meta.url)`. */
function moduleUrlOf(node: Node): string | undefined {
  if (!isModuleUrl(node) || !Array.isArray(node['arguments'])) return undefined
  const url = textOf(node['arguments'][0])
  return url?.endsWith('.ts') ? url : undefined
}

const allSpecifiersAreTypes = ({ specifiers }: Node): boolean =>
  Array.isArray(specifiers) && specifiers.length > 0 && specifiers.every((one) => one?.importKind === 'type')

function read(node: Node): { specifier: string; typesOnly: boolean } | undefined {
  if (node.type === 'TSImportType') return { specifier: textOf(node['source']) ?? '', typesOnly: true }
  const specifier = moduleUrlOf(node) ?? textOf(node['source'])
  if (specifier === undefined) return undefined
  const typesOnly = node['importKind'] === 'type' || node['exportKind'] === 'type' || allSpecifiersAreTypes(node)
  return { specifier, typesOnly }
}

const targetOf = (from: string, specifier: string): string =>
  specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), specifier)) : specifier

function parse(path: string, source: string): Node[] {
  const program: unknown = parseAst(source, { lang: path.endsWith('x') ? 'tsx' : 'ts' })
  return isNode(program) ? [...walk(program)] : []
}

/** @param source Default: what the repository holds at `from`. */
export function importsOf(from: string, source: string = readRepositoryFile(from)): Import[] {
  const found = parse(from, source)
    .map(read)
    .filter((one) => one !== undefined)
  return found.map((one) => ({ from, ...one, target: targetOf(from, one.specifier) }))
}
