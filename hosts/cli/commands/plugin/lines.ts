/** Plugins as lines for people. */
import type { PluginInfo, PluginWishes } from '../../../../core/contract/records.ts'
import { plainLine } from '../../render/sanitize.ts'
import type { Style } from '../../render/style.ts'
import { tableLines } from '../../render/table.ts'

const STATUSES = {
  ready: { text: '✓ ready', format: 'green' },
  broken: { text: '✗ broken', format: 'red' },
  unconfirmed: { text: '? unconfirmed', format: 'yellow' },
  disabled: { text: '- disabled', format: 'dim' },
} as const

export function pluginLines(plugins: readonly PluginInfo[], style: Style): string[] {
  if (plugins.length === 0) return ['There are no plugins.']
  const columns = ['PLUGIN', 'VERSION', 'SOURCE', 'RUNS IN', 'STATUS', 'AGENTS'].map((title) => ({ title }))
  const rows = plugins.map(({ name, version, source, isolation, status, agents }) => [
    { text: plainLine(name), format: 'bold' as const },
    { text: plainLine(version) },
    { text: source },
    { text: isolation },
    STATUSES[status],
    { text: agents.map(plainLine).join(', ') },
  ])
  const reasons = plugins.flatMap(({ name, path, error }) =>
    error ? [`${plainLine(name)} (${plainLine(path)}): ${plainLine(error.message)} [${error.code}]`] : [],
  )
  const waiting = plugins.filter(({ installation }) => installation?.unconfirmed)
  const asked = waiting.flatMap((plugin) => [
    '',
    ...wishLines(plugin),
    `To agree: troupe plugin enable ${plainLine(plugin.name)}`,
  ])
  return [...tableLines(columns, rows, style), ...(reasons.length > 0 ? ['', ...reasons] : []), ...asked]
}

export function wishLines({ name, isolation, installation, status }: PluginInfo): string[] {
  const asked = installation?.unconfirmed
  if (!asked) return []
  const agreed = status === 'unconfirmed' ? undefined : installation?.wishes
  const line = (wish: keyof PluginWishes, none: string) =>
    `  ${wish.padEnd(8)}  ${asked.wishes[wish].map((each) => shown(each, agreed?.[wish])).join(', ') || none}`
  return [
    `${plainLine(name)} ${plainLine(asked.version)} wants`,
    line('secrets', 'none'),
    line('programs', 'none'),
    line('network', 'none that it names'),
    isolation === 'process'
      ? 'It runs in a process that can read only its own files. The programs that it starts are not held by that.'
      : 'It runs in a thread of Troupe: it can do all that you can do on this machine.',
  ]
}

/** @param agreed what the user has agreed to before, if to anything */
const shown = (wish: string, agreed: readonly string[] | undefined): string =>
  plainLine(wish) + (agreed?.includes(wish) === false ? ' (new)' : '')
