/** What a plugin wants, shown to the user, who agrees to it or does not. */
import { confirm, isCancel } from '@clack/prompts'
import type { PluginInfo } from '../../../../core/contract/records.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT, type ExitCode } from '../../exit-codes.ts'
import { plainLine } from '../../render/sanitize.ts'
import { isInteractive } from '../../streams.ts'
import { pluginLines, wishLines } from './lines.ts'

/**
 * Brings a plugin that was installed to use, if the user agrees to what it wants; prints how it stands.
 * @param yes The user has agreed to whatever it is.
 */
export async function bringToUse(
  plugin: PluginInfo,
  client: Client,
  { context, yes }: { readonly context: CommandContext; readonly yes: boolean },
): Promise<ExitCode> {
  const { output, signal } = context
  const asked = plugin.installation?.unconfirmed
  if (!asked) {
    output.result({ plugin }, () => pluginLines([plugin], output.style))
    return plugin.status === 'broken' ? EXIT.failed : EXIT.done
  }
  output.lines(wishLines(plugin))
  if (!yes && !(await agrees(context))) {
    const state =
      plugin.status === 'unconfirmed' ? 'None of its code has run' : `${plainLine(plugin.version)} stays in use`
    output.result({ plugin }, () => ['', `${state}. To agree: troupe plugin enable ${plainLine(plugin.name)}`])
    return EXIT.waiting
  }
  output.lines([''])
  const params = { name: plugin.name, wishesHash: asked.wishesHash }
  return bringToUse((await client.call('confirmPlugin', params, { signal })).plugin, client, { context, yes })
}

async function agrees({ streams, signal, output }: CommandContext): Promise<boolean> {
  if (!isInteractive(streams) || output.json) return false
  const io = { input: streams.stdin, output: streams.stdout, signal }
  const agreed = await confirm({ message: 'Do you agree, and trust the plugin so far?', initialValue: false, ...io })
  return !isCancel(agreed) && agreed
}
