/** The plugins that bring agents: which there are, and installing them. */
import { z } from 'zod'
import { method } from '../method.ts'
import { pluginInfo, pluginIsolation } from '../records.ts'

const name = z.string().min(1).max(214)
const changed = z.object({ plugin: pluginInfo })
const INSTALL_ERRORS = [
  'PLUGIN_SOURCE',
  'PLUGIN_INSTALL',
  'PLUGIN_MANIFEST',
  'PLUGIN_CONTRACT',
  'NPM_NOT_INSTALLED',
  'CONFLICT',
] as const

export const plugins = {
  listPlugins: method({
    params: z.object({}),
    result: z.object({ plugins: z.array(pluginInfo) }),
    errors: [],
    access: 'viewer',
    doc: 'Lists plugins; one that could not be loaded is there with its reason.',
  }),
  installPlugin: method({
    params: z.object({ source: z.string().min(1).max(1000), isolation: pluginIsolation.optional() }),
    result: changed,
    errors: INSTALL_ERRORS,
    access: 'admin',
    doc: 'Installs a plugin from a package (`name` or `name@range`), an absolute path of a folder or tarball, or a git address; it runs after confirmPlugin.',
  }),
  confirmPlugin: method({
    params: z.object({ name, wishesHash: z.string().min(1).max(100) }),
    result: changed,
    errors: ['PLUGIN_NOT_FOUND', 'CONFLICT'],
    access: 'admin',
    doc: 'Agrees to what a plugin, or a new version of it, wants; `wishesHash` names what was shown (`installation.unconfirmed`).',
  }),
  updatePlugin: method({
    params: z.object({ name }),
    result: changed,
    errors: [...INSTALL_ERRORS, 'PLUGIN_NOT_FOUND'],
    access: 'admin',
    doc: 'Installs the newest version of what was installed; one that wants something else waits for confirmPlugin, and the one before is used until then.',
  }),
  enablePlugin: method({
    params: z.object({ name }),
    result: changed,
    errors: ['PLUGIN_NOT_FOUND'],
    access: 'admin',
    doc: 'Lets new sessions use an installed plugin again.',
  }),
  disablePlugin: method({
    params: z.object({ name }),
    result: changed,
    errors: ['PLUGIN_NOT_FOUND'],
    access: 'admin',
    doc: 'Keeps new sessions from using an installed plugin; those at work go on.',
  }),
  removePlugin: method({
    params: z.object({ name }),
    result: z.object({}),
    errors: ['PLUGIN_NOT_FOUND', 'PLUGIN_IN_USE'],
    access: 'admin',
    doc: 'Removes an installed plugin with all its versions, unless sessions use it.',
  }),
}
