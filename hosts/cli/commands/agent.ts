/** `troupe agent`: who can be asked to work. */
import type { Command } from 'commander'
import type { AgentInfo } from '../../../core/contract/records.ts'
import { type Run, addCommand, addGroup } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { plainLine } from '../render/sanitize.ts'
import type { Style } from '../render/style.ts'
import { tableLines } from '../render/table.ts'

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
        context.output.result(result, () => agentLines(result.agents, context.output.style))
        return EXIT.done
      }),
    )
}

export function agentLines(agents: readonly AgentInfo[], style: Style): string[] {
  if (agents.length === 0) return ['There are no agents. See what is wrong with their plugins: troupe plugin ls']
  const columns = ['AGENT', 'INSTALLED', 'SIGNED IN', 'PLUGIN'].map((title) => ({ title }))
  const rows = agents.map(({ agent, plugin, detection }) => [
    { text: plainLine(agent), format: 'bold' as const },
    detection.installed
      ? { text: `✓ ${plainLine(detection.version ?? '')}`.trim(), format: 'green' as const }
      : { text: '✗', format: 'red' as const },
    { text: detection.signedIn, ...(detection.signedIn === 'no' && { format: 'red' as const }) },
    { text: plainLine(plugin), format: 'dim' as const },
  ])
  const hints = agents.flatMap(({ agent, detection: { hint } }) =>
    hint ? [`${plainLine(agent)}: ${plainLine(hint)}`] : [],
  )
  return [...tableLines(columns, rows, style), ...(hints.length > 0 ? ['', ...hints] : [])]
}
