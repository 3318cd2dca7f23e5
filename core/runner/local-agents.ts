/** The agents of this machine, with what their plugins find out about them. */
import type { AgentInfo, Detection } from '../contract/records.ts'
import type { AgentPort } from '../engine/ports.ts'
import { makeDetectHost } from '../plugin/detect-io.ts'
import type { OfferedAgent, PluginHost } from '../plugin/plugin-host.ts'
import { baseEnvironment } from './environment.ts'
import type { AgentSetup, RunnerDeps } from './ports.ts'

export interface LocalAgentsDeps extends Pick<RunnerDeps, 'hostEnv' | 'packageRoot'> {
  readonly plugins: PluginHost
  /** The user's settings of an agent, on no repository in particular. */
  readonly setup: (agent: string) => AgentSetup
}

const UNSEEN: Detection = { installed: false, signedIn: 'unknown' }

export function makeLocalAgents({ plugins, setup, hostEnv, packageRoot }: LocalAgentsDeps): AgentPort {
  function detect(agent: string): Promise<Detection> {
    const { settings, env, secrets } = setup(agent)
    const names = new Set(secrets.map(({ name }) => name))
    const host = makeDetectHost({
      env: { ...baseEnvironment(hostEnv, packageRoot), ...env },
      hasSecret: async (name) => names.has(name),
    })
    return plugins.detect(agent, settings, host)
  }

  async function toInfo(offered: OfferedAgent, look: boolean): Promise<AgentInfo> {
    const { agent, name, plugin, permissionModes, provenWith } = offered
    const detection = look ? await detect(agent) : UNSEEN
    return { agent, name, plugin, permissionModes: [...permissionModes], ...(provenWith && { provenWith }), detection }
  }

  return {
    agents: (look) => Promise.all(plugins.agents().map((offered) => toInfo(offered, look))),
    plugins: () => plugins.plugins(),
  }
}
