/** docs/agents.md: bundled agents and what the tests have shown of them. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { type AgentManifest, parseManifest } from '../../core/plugin/manifest.ts'
import { ABILITIES, type Ability, NOTES, NOT_OFFERED } from './abilities.ts'
import { readMarkdownTable } from './markdown-table.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const PAGE = `${ROOT}docs/agents.md`

/** What the tests have shown of an agent: `pass`, `fail` or `-` (not offered), in the order of `ABILITIES`. */
export interface Row {
  readonly agent: string
  readonly cells: readonly string[]
}

/** The manifest of every bundled agent. */
export function bundledAgents(): Map<string, AgentManifest> {
  const manifests = globSync('plugins/*/package.json', { cwd: ROOT }).map((path) =>
    parseManifest(JSON.parse(readFileSync(ROOT + path, 'utf8')), path),
  )
  return new Map(
    manifests.flatMap(({ troupe }) => Object.entries(troupe.agents)).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}

const HEADER = ['agent', 'proven with', ...ABILITIES]

/** The rows of a page that `agentsPage` made. */
export const readRows = (page: string): Row[] =>
  readMarkdownTable(page, HEADER).map(([agent = '', , ...cells]) => ({ agent: agent.replaceAll('`', ''), cells }))

/** @param rows In any order; of agents that are not bundled (any more) none is shown. */
export async function agentsPage(rows: readonly Row[]): Promise<string> {
  const agents = bundledAgents()
  const table = [...agents].map(([agent, { provenWith }]) => {
    const cells = rows.find((row) => row.agent === agent)?.cells ?? ABILITIES.map(() => 'not run')
    return [`\`${agent}\``, provenWith ?? '', ...cells]
  })
  const lines = [HEADER, HEADER.map(() => '---'), ...table].map((cells) => `| ${cells.join(' | ')} |`)
  const remarks = [
    '## Notes',
    toSentences(NOTES, agents.keys()),
    '## Not offered',
    toSentences(NOT_OFFERED, agents.keys()),
  ]
  const text = [INTRODUCTION, lines.join('\n'), MEANINGS, ...remarks].join('\n\n')
  return format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE })
}

function toSentences(remarks: typeof NOT_OFFERED, agents: Iterable<string>): string {
  const sentences = (agent: string) =>
    Object.entries(remarks[agent] ?? {}).map(([ability, remark]) => `- \`${agent}\`, ${ability}: ${remark}.`)
  return [...agents].flatMap(sentences).join('\n')
}

const INTRODUCTION = `# Agents

Written by the tests, which run the programs named here; do not edit it. The model behind an agent is scripted, all else is real.
\`troupe doctor\` says which agents this machine has.`

const SHOWN: Readonly<Record<Ability, string>> = {
  start: 'the agent is started in its worktree, and what it says of its model and version is passed on',
  text: 'what it says arrives as messages',
  tools: 'each use of a tool is shown, with its result',
  question: 'a question of its own reaches people, and the answer the agent',
  permission: 'it asks before it does what the permission mode does not allow',
  'follow-up': 'it hears what people say while it works',
  resume: 'a later session goes on with its conversation',
  interrupt: 'it stops in mid-work, with no process left and nothing of its own in the repository',
  usage: 'tokens, and costs where it knows them',
  quota: 'a used-up quota is told apart from other errors, with the time when it is full again if the service says so',
  crash: 'it goes on at work when its host dies, at whichever commit, and nothing is lost or told twice',
}

const MEANINGS = Object.entries(SHOWN)
  .map(([ability, meaning]) => `- **${ability}**: ${meaning}.`)
  .join('\n')
