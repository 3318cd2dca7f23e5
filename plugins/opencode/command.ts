/** How the program is called. Pure. */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, Session } from 'troupe/plugin'

const BRIDGE = fileURLToPath(new URL(`./bridge${extname(import.meta.url)}`, import.meta.url))

/** Asked for, so that the permission mode decides (see modes.ts); whatever else the user's own settings ask for is asked too. */
const PERMISSIONS = { edit: 'ask', bash: 'ask', webfetch: 'ask', external_directory: 'ask' }

/**
 * The repository may be hostile: plugins, MCP servers, providers and permission rules in its `opencode.json` and `.opencode` would
 * take effect before anybody is asked. So only the user's own settings are loaded. That leaves out the repository's AGENTS.md
 * too, which the agent is told to read (see protocol.ts).
 */
const UNTRUSTED = { OPENCODE_DISABLE_PROJECT_CONFIG: '1' }

/** One long-lived process: the bridge, and the server below it (see bridge.ts). */
export function toCommand({ settings, scratchDir }: Session): Command {
  return {
    program: process.execPath,
    args: [BRIDGE, scratchDir, settings.program ?? 'opencode', ...settings.args],
    env: {
      ...UNTRUSTED,
      OPENCODE_PERMISSION: JSON.stringify(PERMISSIONS),
      // No self-update under several sessions at work, no downloads that the user did not ask for.
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    },
    stdin: 'live',
  }
}
