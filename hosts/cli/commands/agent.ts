/** `troupe agent`: who can be asked to work. */
import type { Command } from 'commander'
import type { AgentInfo } from '../../../core/contract/records.ts'
import { type Run, addCommand, addGroup } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { plainLine } from '../render/sanitize.ts'
import { type Style, proseWidth } from '../render/style.ts'
import { type Cell, tableLines } from '../render/table.ts'
import { wrap } from '../render/wrap.ts'

export function addAgentCommands(program: Command, run: Run): void {
  const group = addGroup(program, 'agent', 'See which agents there are')
  const list = addCommand(group, 'ls', {
    summary: 'List agents, and whether each is installed and signed in',
    examples: ['troupe agent ls', 'troupe agent ls --json --no-detect'],
  })
    .option('--no-detect', 'do not look for their programs')
    .action(({ detect }: { detect: boolean }) =>
      run(list, async (context) => {
        await using connection = await context.connect()
        const result = await connection.client.call('listAgents', { detect }, { signal: context.signal })
        context.output.result(result, () => agentLines(result.agents, context.output.style, detect))
        return EXIT.done
      }),
    )
}

/** @param detected false: nobody looked for their programs */
function agentLines(agents: readonly AgentInfo[], style: Style, detected: boolean): string[] {
  if (agents.length === 0) return ['There are no agents. See what is wrong with their plugins: troupe plugin ls']
  const titles = ['AGENT', ...(detected ? ['INSTALLED', 'SIGNED IN'] : []), 'PLUGIN']
  const rows = agents.map(({ agent, plugin, detection }): Cell[] => [
    { text: plainLine(agent), format: 'bold' },
    ...(detected ? [installedCell(detection), signedInCell(detection)] : []),
    { text: plainLine(plugin), format: 'dim' },
  ])
  const hints = agents.flatMap(({ agent, detection: { hint } }) =>
    hint ? hanging(`${plainLine(agent)}: ${plainLine(hint)}`, style) : [],
  )
  const table = tableLines(
    titles.map((title) => ({ title })),
    rows,
    style,
  )
  return [...table, ...(hints.length > 0 ? ['', ...hints] : [])]
}

const hanging = (text: string, style: Style): string[] =>
  wrap(text, proseWidth(style) - 2).map((line, at) => (at === 0 ? line : `  ${line}`))

const installedCell = ({ installed, version = '' }: AgentInfo['detection']): Cell =>
  installed ? { text: `✓ ${plainLine(version)}`.trim(), format: 'green' } : { text: '✗', format: 'red' }

/** Nothing can be said of a program that is not there. */
function signedInCell({ installed, signedIn }: AgentInfo['detection']): Cell {
  if (!installed) return { text: '-', format: 'dim' }
  return { text: signedIn, ...(signedIn === 'no' && { format: 'red' }) }
}
