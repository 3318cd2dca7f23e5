/** What the engine knows: its own health, plugins, agents. */
import type { AgentInfo, PluginInfo } from '../../../core/contract/records.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import { plainLine } from '../render/sanitize.ts'
import { type Check, bad, ok, warn } from './check.ts'

export async function checkEngine(client: Client, signal: AbortSignal): Promise<Check[]> {
  const [health, { plugins }, { agents }] = await Promise.all([
    client.call('getHealth', {}, { signal }),
    client.call('listPlugins', {}, { signal }),
    client.call('listAgents', { detect: true }, { signal }),
  ])
  return [
    ...health.checks.map(({ name, ok: good, detail }) =>
      good ? ok(name, detail ?? 'ok') : bad(name, detail ?? 'not ok'),
    ),
    ...plugins.map(checkPlugin),
    ...agents.map(checkAgent),
    ...(agents.some(isUsable)
      ? []
      : [warn('agents', 'none can be used', 'Install one of the agents above, or sign it in.')]),
  ]
}

const isUsable = ({ detection }: AgentInfo): boolean => detection.installed && detection.signedIn !== 'no'

function checkPlugin({ name, version, status, error }: PluginInfo): Check {
  const title = `plugin ${plainLine(name)}`
  if (status === 'ready') return ok(title, plainLine(version))
  return warn(title, error ? `${plainLine(error.message)} [${error.code}]` : 'cannot be loaded')
}

function checkAgent(info: AgentInfo): Check {
  const { agent, detection, provenWith } = info
  const title = `agent ${plainLine(agent)}`
  const hint = detection.hint && plainLine(detection.hint)
  const proven = provenWith && `proven with ${provenWith}`
  if (!detection.installed) return warn(title, joinFacts(['not installed', proven]), hint)
  const found = [detection.version, proven, detection.program]
  if (isUsable(info)) return ok(title, joinFacts(found) || 'installed')
  return warn(title, joinFacts(['not signed in', ...found]), hint)
}

const joinFacts = (facts: readonly (string | undefined)[]): string =>
  facts.flatMap((fact) => (fact ? [plainLine(fact)] : [])).join(', ')
