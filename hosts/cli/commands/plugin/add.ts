/** `troupe plugin add` and `update`: installing somebody's plugin. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { PluginInfo, PluginIsolation } from '../../../../core/contract/records.ts'
import { type Run, addCommand, choice, usage } from '../../command.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT, type ExitCode } from '../../exit-codes.ts'
import { plainLine } from '../../render/sanitize.ts'
import { bringToUse } from './agree.ts'

const DETAILS = `It is installed with npm, as you have configured that, without running any of its scripts. Then you are shown which
secrets, programs and network its manifest wants; before you agree, none of its code runs. A host that runs takes it up at
once.`

interface AddOptions {
  readonly yes?: true
  readonly isolation?: PluginIsolation
}

export function addPluginAddCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'add <source>', {
    summary: 'Install a plugin: a package, a folder, a tarball or a git address',
    details: DETAILS,
    examples: [
      'troupe plugin add some-agent',
      'troupe plugin add @me/my-agent@^1.2',
      'troupe plugin add ./my-agent',
      'troupe plugin add git+https://example.com/my-agent.git#v1 --isolation process',
    ],
  })
    .option('--yes', 'agree to what it wants without being asked')
    .addOption(choice('--isolation <kind>', 'where its code runs (default: process)', ['process', 'thread']))
    .action((source: string, { yes, isolation }: AddOptions) =>
      run(command, async (context) => {
        const params = { source: toSource(source, context.cwd), isolation }
        await using connection = await context.connect()
        const { client } = connection
        const { plugin } = await client.call('installPlugin', params, { signal: context.signal })
        return await bringToUse(plugin, client, { context, yes: yes === true })
      }),
    )
}

export function addPluginUpdateCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'update <plugin>', {
    summary: 'Install the newest version of a plugin, from where it was installed',
    details: `Sessions at work go on with the version that they began with. When the new version wants something else, you are asked
again, and the old one is used until you agree.`,
    examples: ['troupe plugin update my-agent'],
  })
    .option('--yes', 'agree to what it wants without being asked')
    .action((name: string, { yes }: AddOptions) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const { client } = connection
        const { plugins } = await client.call('listPlugins', {}, { signal: context.signal })
        const { plugin } = await client.call('updatePlugin', { name }, { signal: context.signal })
        const before = plugins.find(({ source, name: other }) => source === 'installed' && other === name)
        if (isSame(plugin, before)) return showSame(plugin, context)
        return await bringToUse(plugin, client, { context, yes: yes === true })
      }),
    )
}

/** Nothing has come: what is used has the same files as before, and nothing waits for the user. */
const isSame = ({ installation }: PluginInfo, before: PluginInfo | undefined): boolean =>
  installation?.unconfirmed === undefined && installation?.contentHash === before?.installation?.contentHash

function showSame(plugin: PluginInfo, { output }: CommandContext): ExitCode {
  const { name, version, installation } = plugin
  output.result({ plugin }, () => [
    `${plainLine(name)} ${plainLine(version)} is the newest already (from ${plainLine(installation?.from ?? '')}).`,
  ])
  return EXIT.done
}

/**
 * The host may be at work in another folder.
 * @throws TroupeError USAGE when it could be a package or a folder: a stranger's package is not fetched by a slip.
 */
function toSource(source: string, cwd: string): string {
  if (source.startsWith('~/')) return join(homedir(), source.slice(2))
  if (LOCAL.some((form) => form.test(source))) return resolve(cwd, source)
  if (!isAbsolute(source) && existsSync(resolve(cwd, source, 'package.json')))
    return usage(
      `There is a folder "${plainLine(source)}" here: did you mean ./${plainLine(source)}? For the package of that name: ${plainLine(source)}@latest`,
    )
  return source
}

/** A path that begins with a dot or ends with a slash, and a tarball of this folder. */
const LOCAL = [/^\.{1,2}(?:[/\\]|$)/, /^[^:]+\/$/, /^[^@/:]+\.(?:tgz|tar\.gz)$/]
