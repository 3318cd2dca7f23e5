/** `troupe plugin rm`, `enable` and `disable`: plugins that are installed. */
import type { Command } from 'commander'
import { type Run, addCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../render/sanitize.ts'
import { bringToUse } from './agree.ts'
import { pluginLines } from './lines.ts'

export function addPluginManageCommands(group: Command, run: Run): void {
  addRemove(group, run)
  addEnable(group, run)
  addDisable(group, run)
}

function addRemove(group: Command, run: Run): void {
  const command = addCommand(group, 'rm <plugin>', {
    summary: 'Remove an installed plugin that no session uses',
    examples: ['troupe plugin rm my-agent'],
  }).action((name: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const result = await connection.client.call('removePlugin', { name }, { signal: context.signal })
      context.output.result(result, () => [`${plainLine(name)} is removed.`])
      return EXIT.done
    }),
  )
}

function addEnable(group: Command, run: Run): void {
  const command = addCommand(group, 'enable <plugin>', {
    summary: 'Let new sessions use an installed plugin; agree to what it wants, if that is still to be done',
    examples: ['troupe plugin enable my-agent'],
  })
    .option('--yes', 'agree to what it wants without being asked')
    .action((name: string, { yes }: { readonly yes?: true }) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const { client } = connection
        const { plugin } = await client.call('enablePlugin', { name }, { signal: context.signal })
        return await bringToUse(plugin, client, { context, yes: yes === true })
      }),
    )
}

function addDisable(group: Command, run: Run): void {
  const command = addCommand(group, 'disable <plugin>', {
    summary: 'Keep new sessions from using an installed plugin; those at work go on',
    examples: ['troupe plugin disable my-agent'],
  }).action((name: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const { client } = connection
      const result = await client.call('disablePlugin', { name }, { signal: context.signal })
      context.output.result(result, () => pluginLines([result.plugin], context.output.style))
      return EXIT.done
    }),
  )
}
