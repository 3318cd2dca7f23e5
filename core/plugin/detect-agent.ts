/** Looks for the program of an agent, by the plugin's code in a thread. */
import type { Clock } from '../base/clock.ts'
import { within } from '../base/waiting.ts'
import { type Detection, detection } from '../contract/records.ts'
import type { AgentSettings } from './contract/agent.ts'
import type { DetectHost } from './detect-io.ts'
import { loadPlugin } from './load-plugin.ts'
import type { DetectMethods, JobMethods } from './protocol.ts'
import { allowLooking } from './programs.ts'
import { checked } from './requests.ts'
import { checkedDetection } from './untrusted.ts'
import { type ThreadWork, whileAlive } from './while-alive.ts'
import type { Handlers } from './wire.ts'

export interface DetectWork extends ThreadWork {
  readonly agent: string
  readonly settings: AgentSettings
  readonly host: DetectHost
  readonly clock: Clock
}

/** @throws TroupeError what went wrong with the plugin, or TIMEOUT after `limits.detectMs`. */
export async function detectAgent(work: DetectWork): Promise<Detection> {
  const { lease, entry, agent, settings, limits } = work
  const handlers = toHandlers(allowLooking(work.host, entry, settings))
  using wire = lease.open<JobMethods, DetectMethods>(
    entry.isolation.kind === 'process' ? checkedDetection(handlers) : handlers,
  )
  const found = async () => {
    await loadPlugin(wire, entry, work)
    return checked(detection, await wire.call('detect', { agent, settings }), 'What detect returned')
  }
  return await within(limits.detectMs, `Looking for the agent "${agent}"`, whileAlive(work, wire, found()))
}

const toHandlers = (host: DetectHost): Handlers<DetectMethods> => ({
  find: (program) => host.find(program),
  run: ({ program, args }) => host.run(program, args),
  hasSecret: (name) => host.hasSecret(name),
  fileExists: (path) => host.fileExists(path),
})
