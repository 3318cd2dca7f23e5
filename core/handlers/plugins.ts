/** Plugins: which there are, and installing them. */
import type { Handlers } from '../rpc/handlers.ts'
import type { HandlerDeps } from './deps.ts'

export const pluginHandlers = ({ agents, pluginManager }: HandlerDeps) =>
  ({
    listPlugins: async () => ({ plugins: agents.plugins() }),
    installPlugin: async ({ source, isolation }, { signal }) => ({
      plugin: await pluginManager.install(source, { isolation, signal }),
    }),
    confirmPlugin: async ({ name, wishesHash }) => ({ plugin: await pluginManager.confirm(name, wishesHash) }),
    updatePlugin: async ({ name }, { signal }) => ({ plugin: await pluginManager.update(name, { signal }) }),
    enablePlugin: async ({ name }) => ({ plugin: await pluginManager.setEnabled(name, true) }),
    disablePlugin: async ({ name }) => ({ plugin: await pluginManager.setEnabled(name, false) }),
    async removePlugin({ name }) {
      await pluginManager.remove(name)
      return {}
    },
  }) satisfies Partial<Handlers>
