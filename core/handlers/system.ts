/** The host itself, its agents and plugins. */
import { toEnvelope } from '../base/errors.ts'
import { CONTRACT_VERSION } from '../plugin/contract/index.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { liveSessions } from '../store/sessions.ts'
import type { HandlerDeps } from './deps.ts'

export function systemHandlers(deps: HandlerDeps) {
  const { store, agents, settings, clock, version } = deps
  const startedAt = clock.now()

  async function checkDatabase() {
    try {
      const live = await store.read((tx) => liveSessions(tx))
      return { sessions: live.length, check: { name: 'database', ok: true } }
    } catch (error) {
      return { sessions: 0, check: { name: 'database', ok: false, detail: toEnvelope(error).message } }
    }
  }

  function checkPlugins() {
    const broken = agents.plugins().filter((plugin) => plugin.status === 'broken')
    const detail = broken.map((plugin) => `${plugin.name}: ${plugin.error?.message ?? 'broken'}`).join('; ')
    return { name: 'plugins', ok: broken.length === 0, ...(detail && { detail }) }
  }

  return {
    async getHealth() {
      const { sessions, check } = await checkDatabase()
      const checks = [check, checkPlugins()]
      // A broken plugin is shown, but the host works without it.
      return { status: check.ok ? 'ok' : 'degraded', checks, sessions, uptimeMs: clock.now() - startedAt }
    },
    getVersion: async () => ({ version, node: process.version, contract: CONTRACT_VERSION }),
    getSettings: async () => settings.get(),
    updateSettings: async ({ values }) => settings.update(values),
    listAgents: async ({ detect }) => ({ agents: await agents.agents(detect) }),
  } satisfies Partial<Handlers>
}
