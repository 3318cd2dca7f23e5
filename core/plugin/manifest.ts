/** The manifest of a plugin: `troupe` in its package.json. Checked before any of its code runs. */
import { z } from 'zod'
import { TroupeError } from '../base/errors.ts'
import { permissionMode } from '../contract/statuses.ts'
import { CONTRACT_VERSION } from './contract/index.ts'
import { firstIssue } from './requests.ts'

const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text), 'holds a control character')

const agent = z.strictObject({
  /** As people see it. */
  name: line(100),
  /** The program that it runs, unless the settings name another. */
  program: line(200).optional(),
  /** The modes that it can work in: `ask`, `accept_edits`, `plan`, `full`. */
  permissionModes: z.array(permissionMode).min(1),
  /** Names of secrets that a session may receive in its environment. */
  secrets: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is not a name of a variable')).default([]),
  /** Its sessions are given a `questionServer`: the agent has no question tool of its own, and speaks MCP. */
  questionServer: z.boolean().optional(),
  /** The program and its version that the author has tried, for example `Claude Code 2.1.330`. */
  provenWith: line(200).optional(),
  /** What to do when the program is missing. */
  install: line(500).optional(),
  /** What to do when nobody is signed in. */
  signIn: line(500).optional(),
  /** Speaks the program's protocol in its place when the plugin is checked; the scenes are those that it plays. */
  standIn: z
    .strictObject({ program: line(1000), args: z.array(z.string()).default([]), scenes: z.array(z.string()) })
    .optional(),
})
export type AgentManifest = z.infer<typeof agent>

const AGENT_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
const PACKAGE_NAME = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/

export const isPackageName = (name: string): boolean => name.length <= 214 && PACKAGE_NAME.test(name)

const packageFile = z.object({
  name: z.string().max(214).regex(PACKAGE_NAME, 'is not a name of a package'),
  version: line(100),
  /** The main module, relative to the folder of the plugin. */
  main: line(1000).default('index.js'),
  troupe: z.strictObject({
    /** The version of the contract that it was written for. */
    contract: z.number(),
    /**
     * Its sessions may share a thread, hundreds of them: each then costs some kilobytes instead of some megabytes, and begins at
     * once. For plugins that keep nothing outside of a session and never block. If a thread is lost nevertheless, each of its
     * sessions that has a checkpoint is continued in a thread of its own, and the others fail. Default: a thread for each.
     */
    sharesThread: z.boolean().default(false),
    /** Programs that it starts beside those of its agents. */
    programs: z.array(line(200)).max(100).default([]),
    /** Hosts that it, or its agents, talk to; for people to read. With none, the plugin itself gets no network where it is isolated. */
    network: z.array(line(253)).max(100).default([]),
    /** Its agents, by the names that settings and tasks call them. */
    agents: z
      .record(z.string().regex(AGENT_NAME, 'is not a name of an agent: use a-z, 0-9 and "-"'), agent)
      .refine((agents) => Object.keys(agents).length > 0, 'names no agent'),
  }),
})
/** The fields of a plugin's package.json that Troupe reads; it leaves the others alone. */
export type PluginPackage = z.infer<typeof packageFile>

/**
 * Checks the JSON of the package.json at `path`.
 * @throws TroupeError PLUGIN_CONTRACT for another contract version; PLUGIN_MANIFEST, naming file and field, for all else.
 */
export function parseManifest(json: unknown, path: string): PluginPackage {
  assertContract(json, path)
  const result = packageFile.safeParse(json)
  if (result.success) return result.data
  throw new TroupeError('PLUGIN_MANIFEST', `${path} is not the manifest of a plugin: ${firstIssue(result.error)}.`)
}

/** First of all: another version of the contract may have another form of manifest. */
function assertContract(json: unknown, path: string): void {
  const head = z.object({ troupe: z.object({ contract: z.number() }) }).safeParse(json)
  if (!head.success || head.data.troupe.contract === CONTRACT_VERSION) return
  const needed = head.data.troupe.contract
  const advice = needed > CONTRACT_VERSION ? 'upgrade Troupe' : 'install a newer version of the plugin'
  throw new TroupeError(
    'PLUGIN_CONTRACT',
    `${path} needs version ${needed} of the plugin contract, and this Troupe has version ${CONTRACT_VERSION}: ${advice}.`,
    { needed, has: CONTRACT_VERSION },
  )
}
