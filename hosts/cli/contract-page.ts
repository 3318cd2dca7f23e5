/** The reference page of the plugin contract: its declarations with their TSDoc, as the compiler writes them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { POINTS } from '../../core/conformance/points.ts'
import { SCENES } from '../../core/conformance/scenes.ts'
import type { GeneratedDocument } from '../../core/rpc/documents/pages.ts'
import { contractSchemas } from '../../core/rpc/documents/schemas.ts'
import { shape } from '../../core/rpc/documents/shape.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const CONTRACT = 'core/plugin/contract'

const INTRODUCTION = `<!-- Made from core/plugin by \`npm run docs\`; do not edit. -->

# The plugin contract

What \`troupe/plugin\` exports, what a manifest holds, and what \`troupe plugin check\` checks. The [tutorial](tutorial.md) builds a
plugin step by step.`

/** What the contract shares with the methods, by the names of the types there. */
const SHARED = ['MessageBody', 'ToolKind', 'Usage', 'QuestionKind', 'QuestionOption', 'PermissionMode', 'Detection']

export const contractDocument: GeneratedDocument = { path: 'docs/plugins/contract.md', make: contractPage }

function contractPage(): string {
  const modules = readExports().map(moduleSection)
  return [INTRODUCTION, manifestSection(), ...modules, sharedSection(), checkSection()].join('\n\n')
}

interface Exported {
  readonly module: string
  readonly names: ReadonlySet<string>
}

/** From the index of the contract; in its order. */
function readExports(): Exported[] {
  const index = readFileSync(join(root, CONTRACT, 'index.ts'), 'utf8')
  const modules = new Map<string, Set<string>>()
  for (const [, names = '', module = ''] of index.matchAll(
    /^export (?:type )?\{ ([^}]+) \} from '\.\/([a-z-]+)\.ts'$/gm,
  )) {
    const known = modules.get(module) ?? new Set()
    modules.set(module, new Set([...known, ...names.split(',').map((name) => name.trim())]))
  }
  return [...modules].map(([module, names]) => ({ module, names }))
}

interface Declaration {
  readonly name: string
  /** With its comment. */
  readonly text: string
}

let compiled: ReadonlyMap<string, string> | undefined

const COMMENT = String.raw`\/\*\*(?:(?!\*\/).)*\*\/\n`
const DECLARATION = new RegExp(
  String.raw`(?:^${COMMENT})?^export .*?(?=^(?:${COMMENT})?(?:export|import|type|interface) |$(?!.|\n))`,
  'gms',
)

function declarationsOf(module: string): Declaration[] {
  compiled ??= compile()
  // The first comment is that of the module.
  const text = (compiled.get(module) ?? '').replace(new RegExp(`^${COMMENT}`, 's'), '')
  return [...text.matchAll(DECLARATION)].map(([found]) => ({ name: nameOf(found), text: found }))
}

const nameOf = (text: string): string =>
  /^export (?:declare )?(?:type|interface|const|function|class) (\w+)/m.exec(text)?.[1] ?? ''

/** The declarations of all modules of the contract, without bodies. */
function compile(): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'))
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const project = join(root, 'hosts/cli/tsconfig.contract.json')
    execFileSync(process.execPath, [tsc, '-p', project, '--outDir', folder], { cwd: root, stdio: 'pipe' })
    const read = (module: string) => readFileSync(join(folder, CONTRACT, `${module}.d.ts`), 'utf8')
    return new Map(readExports().map(({ module }) => [module, read(module)]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In the words of an author; a module without any has its name. */
const TITLES: Readonly<Record<string, string>> = {
  agent: 'What a plugin implements',
  io: 'What the host gives it',
  program: 'Help with a program',
  converse: 'A conversation with a program',
  connection: 'What a conversation implements, and what it is given',
  requests: 'Help with what an agent asks',
  spoken: 'Help with what an agent says',
  json: 'Help with JSON',
  'reset-time': 'Help with quotas',
  deadline: 'Help with waits',
}

function moduleSection({ module, names }: Exported): string {
  const shown = declarationsOf(module).filter(({ name }) => names.has(name))
  const texts = shown.map(({ name, text }) => `### ${name}\n\n${code(text.replaceAll(/\bdeclare |\breadonly /g, ''))}`)
  return [`## ${TITLES[module] ?? module}`, ...texts].join('\n\n')
}

function sharedSection(): string {
  const { types } = contractSchemas()
  const texts = SHARED.map((name) => `### ${name}\n\n${code(`type ${name} = ${shape(types.get(name))}`)}`)
  return [
    '## Shared with the methods',
    'The codes of errors are in the [table of errors](../errors.md).',
    ...texts,
  ].join('\n\n')
}

/** Each field of the manifest with its comment, as the loader declares them. */
function manifestSection(): string {
  const source = readFileSync(join(root, 'core/plugin/manifest.ts'), 'utf8')
  const [agent = '', rest = ''] = source.split('const packageFile')
  return [
    '## Manifest',
    'In `package.json`; what is there beside `main` and `troupe` is left alone.',
    fields('The plugin', rest),
    fields('Each agent: an entry of `troupe.agents`, by its name', agent),
  ].join('\n\n')
}

function fields(title: string, source: string): string {
  const found = [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s+(\w+):/gs)]
  const lines = found.map(([, comment = '', name = '']) => `- \`${name}\`: ${toProse(comment)}`)
  return [`### ${title}`, lines.join('\n')].join('\n\n')
}

function checkSection(): string {
  const points = Object.entries(POINTS).map(([id, title]) => `- \`${id}\`: ${title}`)
  const scenes = Object.entries(SCENES).map(([name, instruction]) => `- \`${name}\`: ${instruction}`)
  return [
    '## What is checked',
    '`troupe plugin check` has these points. Each passes, fails, or is not shown, when the stand-in does not play its scene.',
    points.join('\n'),
    '### Scenes',
    'What a stand-in does when `TROUPE_SCENE` in its environment names the scene; `standIn.scenes` of the manifest lists those that it plays.',
    scenes.join('\n'),
  ].join('\n\n')
}

const toProse = (comment: string): string => comment.replaceAll(/\s*\n\s*\*? ?/g, ' ').trim()
const code = (text: string): string => `\`\`\`ts\n${text.trim()}\n\`\`\``
