/** `troupe plugin`: where agents come from. */
import type { Command } from 'commander'
import type { PluginInfo } from '../../../core/contract/records.ts'
import { type Run, addCommand, addGroup } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { plainLine } from '../render/sanitize.ts'
import type { Style } from '../render/style.ts'
import { tableLines } from '../render/table.ts'

export function addPluginCommands(program: Command, run: Run): void {
  const group = addGroup(program, 'plugin', 'See which plugins there are')
  const list = addCommand(group, 'ls', {
    summary: 'List plugins, those that cannot be loaded with the reason',
    examples: ['troupe plugin ls'],
  }).action(() =>
    run(list, async (context) => {
      await using connection = await context.connect()
      const result = await connection.client.call('listPlugins', {}, { signal: context.signal })
      context.output.result(result, () => pluginLines(result.plugins, context.output.style))
      return EXIT.done
    }),
  )
}

export function pluginLines(plugins: readonly PluginInfo[], style: Style): string[] {
  if (plugins.length === 0) return ['There are no plugins.']
  const columns = ['PLUGIN', 'VERSION', 'SOURCE', 'STATUS', 'AGENTS'].map((title) => ({ title }))
  const rows = plugins.map(({ name, version, source, status, agents }) => [
    { text: plainLine(name), format: 'bold' as const },
    { text: plainLine(version) },
    { text: source },
    {
      text: status === 'ready' ? '✓ ready' : '✗ broken',
      format: status === 'ready' ? ('green' as const) : ('red' as const),
    },
    { text: agents.map(plainLine).join(', ') },
  ])
  const reasons = plugins.flatMap(({ name, path, error }) =>
    error ? [`${plainLine(name)} (${plainLine(path)}): ${plainLine(error.message)} [${error.code}]`] : [],
  )
  return [...tableLines(columns, rows, style), ...(reasons.length > 0 ? ['', ...reasons] : [])]
}
