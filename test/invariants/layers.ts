/** Who may import whom: the table of core/README.md, word for word, and what its words mean. */
import type { Import } from './imports.ts'

/** `[folders, what they may import beside their own folder]`. Equal to the table in core/README.md. */
export const LAYER_TABLE = [
  ['base', 'nothing'],
  ['contract', 'base'],
  ['machines, rpc, plugin/contract', 'base, contract'],
  ['store', 'base, contract'],
  ['log', 'base, contract, store'],
  ['workspace, sandbox, secrets, auth, forge, question-server', 'base, contract; never each other'],
  ['plugin (rest)', 'base, contract'],
  ['schedule', 'base, contract, store'],
  ['engine', 'base, contract, machines, store, log (types); everything else through its own ports'],
  ['runner', 'base, contract, workspace, sandbox, secrets, question-server, plugin, engine/ports (types), log (types)'],
  ['conformance', 'base, contract, question-server, plugin, sandbox, runner'],
  [
    'handlers',
    'base, contract, machines, engine, store, schedule, secrets, auth, forge, plugin, rpc (types), log (types)',
  ],
  ['plugins/*', '`troupe/plugin` only (core/plugin/contract and what it re-exports), plugins/acp/make-agent'],
  ['ui', 'base, contract, rpc clients'],
  ['hosts', 'all of core; plugins only through the loader'],
  ['test', 'anything; nothing imports test or fixtures'],
] as const

interface Grant {
  /** A folder or module, relative to the root, without extension; `*` is everything. */
  readonly path: string
  readonly typesOnly: boolean
}

export interface Layer {
  /** As in the table, for example `plugin/contract`. */
  readonly name: string
  readonly folder: string
  readonly grants: readonly Grant[]
}

const TOP_LEVEL = ['plugins/*', 'ui', 'hosts', 'test']

const folderOf = (name: string): string => (TOP_LEVEL.includes(name) ? name.replace('/*', '') : `core/${name}`)

/** Phrases of the table that are not the name of a folder of core. */
const PHRASES: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  anything: ['*'],
  'all of core': ['core'],
  'rpc clients': ['core/rpc/client'],
  '`troupe/plugin` only (core/plugin/contract and what it re-exports)': ['troupe/plugin'],
  'plugins/acp/make-agent': ['plugins/acp/make-agent'],
}

function toGrants(words: string): Grant[] {
  const [rule = ''] = words.split(';') // What follows explains.
  return rule.split(', ').flatMap((word) => {
    const name = word.replace(' (types)', '')
    const paths = PHRASES[name] ?? [`core/${name}`]
    return paths.map((path) => ({ path, typesOnly: name !== word }))
  })
}

export const LAYERS: readonly Layer[] = LAYER_TABLE.flatMap(([folders, may]) =>
  folders.split(', ').map((folder) => {
    const name = folder.replace(' (rest)', '')
    return { name, folder: folderOf(name), grants: toGrants(may) }
  }),
)

const contains = (folder: string, path: string): boolean =>
  folder === '*' || path === folder || path.startsWith(`${folder}/`) || path.startsWith(`${folder}.`)

/** The layer of a path, the most specific one; undefined outside all of them. */
export const layerOf = (path: string): Layer | undefined =>
  LAYERS.filter(({ folder }) => contains(folder, path)).toSorted((a, b) => b.folder.length - a.folder.length)[0]

const isOwnFolder = (layer: Layer, target: string): boolean =>
  layer.name === 'plugins/*' ? false : contains(layer.folder, target)

const isSamePlugin = (from: string, target: string): boolean =>
  target.startsWith('plugins/') && from.split('/')[1] === target.split('/')[1]

const isExternal = (target: string): boolean => !/^(core|plugins|hosts|ui|test|fixtures)(\/|$)|^troupe\//.test(target)

/** True when the table, or the folder that both share, lets `one` be. */
export function isAllowed(layer: Layer, one: Import): boolean {
  if (isExternal(one.target) && !one.target.startsWith('..')) return true
  if (isOwnFolder(layer, one.target) || isSamePlugin(one.from, one.target)) return true
  return layer.grants.some(({ path, typesOnly }) => contains(path, one.target) && (!typesOnly || one.typesOnly))
}
