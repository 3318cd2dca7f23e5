/** `troupe plugin check`: whether a plugin keeps the contract. */
import { resolve } from 'node:path'
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { fail } from '../../../../core/base/errors.ts'
import { pluginIsolation, type PluginIsolation } from '../../../../core/contract/records.ts'
import { type Run, addCommand, choice } from '../../command.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT } from '../../exit-codes.ts'
import { reportLines } from '../../render/report.ts'

const DETAILS = `Runs the plugin in the real plugin host, in a temporary folder: with its program missing, crashing, hanging, flooding
and printing noise, and with the stand-in that its manifest names in each of the scenes that the stand-in plays. Nothing is sent
anywhere, and no real agent is started unless the stand-in does it. Ends with code 1 when a point failed; a point that is not
shown is no failure.`

export function addPluginCheckCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'check <plugin>', {
    summary: 'Check that a plugin, a folder or one that is installed, keeps the contract',
    details: DETAILS,
    examples: ['troupe plugin check .', 'troupe plugin check ./my-agent --json'],
  })
    .addOption(choice('--isolation <kind>', 'where its code runs (default: thread)', pluginIsolation.options))
    .action((plugin: string, { isolation }: { isolation?: PluginIsolation }) =>
      run(command, async (context) => {
        const folder = await findFolder(context, plugin)
        // No other command needs it.
        const { checkPlugin } = await import('../../../../core/conformance/check-plugin.ts')
        const report = await checkPlugin({ folder, ...(isolation && { isolation }) })
        context.output.result(report, () => reportLines(report, context.output.style))
        return report.ok ? EXIT.done : EXIT.failed
      }),
    )
}

/** A folder as it is; else that of the plugin with this name. */
async function findFolder(context: CommandContext, plugin: string): Promise<string> {
  const path = resolve(context.cwd, plugin)
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return path
  await using connection = await context.connect()
  const { plugins } = await connection.client.call('listPlugins', {}, { signal: context.signal })
  const known = plugins.find(({ name }) => name === plugin)
  return known?.path ?? fail('PLUGIN_NOT_FOUND', `There is no folder ${path}, and no plugin is called "${plugin}".`)
}
