/** `troupe plugin`: where agents come from. */
import type { Command } from 'commander'
import { type Run, addCommand, addGroup } from '../command.ts'
import { addPluginAddCommand, addPluginUpdateCommand } from './plugin/add.ts'
import { pluginLines } from './plugin/lines.ts'
import { addPluginManageCommands } from './plugin/manage.ts'
import { addPluginCheckCommand } from './plugin/check.ts'
import { addPluginNewCommand } from './plugin/new.ts'
import { EXIT } from '../exit-codes.ts'

export function addPluginCommands(program: Command, run: Run): void {
  const group = addGroup(program, 'plugin', 'Install, list, remove, write and check plugins')
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
  addPluginAddCommand(group, run)
  addPluginUpdateCommand(group, run)
  addPluginManageCommands(group, run)
  addPluginNewCommand(group, run)
  addPluginCheckCommand(group, run)
}
