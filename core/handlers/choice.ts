/** Which agent works, and how: what the caller wants, else what the configuration says. */
import { fail } from '../base/errors.ts'
import type { AgentInfo } from '../contract/records.ts'
import type { PermissionMode, SandboxKind } from '../contract/statuses.ts'
import type { HandlerDeps } from './deps.ts'

export interface ChoiceParams {
  readonly agent?: string | undefined
  readonly model?: string | undefined
  readonly permissionMode?: PermissionMode | undefined
  readonly sandbox?: SandboxKind | undefined
}

export interface Choice {
  readonly agent: string
  readonly model?: string | undefined
  readonly permissionMode: PermissionMode
  readonly sandbox: SandboxKind
  /** Milliseconds that a session may run in all; 0 is for ever. */
  readonly totalMs: number
}

/** An agent with one mode only has nothing to choose, so a default for other agents does not bind it. */
function choosePermissionMode(
  { name, permissionModes }: AgentInfo,
  wanted: PermissionMode | undefined,
  configured: PermissionMode,
): PermissionMode {
  const [only, ...others] = permissionModes
  const mode = wanted ?? (only !== undefined && others.length === 0 ? only : configured)
  if (permissionModes.includes(mode)) return mode
  return fail('UNSUPPORTED', `${name} has no permission mode "${mode}"; it has ${permissionModes.join(', ')}.`)
}

async function findAgent({ agents }: HandlerDeps, agent: string): Promise<AgentInfo> {
  const known = await agents.agents(false)
  const info = known.find((candidate) => candidate.agent === agent)
  if (info) return info
  const kept = agents.plugins().find((plugin) => plugin.agents.includes(agent))
  if (kept) {
    const { name, status } = kept
    fail('AGENT_NOT_FOUND', `The plugin "${name}" of the agent "${agent}" is ${status}: troupe plugin enable ${name}`)
  }
  const names = known.map((candidate) => candidate.agent).join(', ')
  return fail('AGENT_NOT_FOUND', `There is no agent "${agent}". There are: ${names || 'none; see listPlugins'}.`)
}

/**
 * @param path of the repository, whose configuration counts too
 * @throws TroupeError AGENT_NOT_FOUND, UNSUPPORTED, SANDBOX_UNSUPPORTED, CONFIG_INVALID
 */
export async function choose(deps: HandlerDeps, params: ChoiceParams, path: string): Promise<Choice> {
  const settings = deps.settings.forTask(path)
  const agent = params.agent ?? settings.agent
  const info = await findAgent(deps, agent)
  const own = settings.forAgent(agent)
  const permissionMode = choosePermissionMode(info, params.permissionMode, own.permissionMode)
  const sandbox = params.sandbox ?? settings.sandbox
  if (sandbox !== 'process') {
    fail('SANDBOX_UNSUPPORTED', `Sandbox "${sandbox}" is not available yet. Use "process", which does not isolate.`)
  }
  return { agent, model: params.model ?? own.model, permissionMode, sandbox, totalMs: settings.totalMs }
}
