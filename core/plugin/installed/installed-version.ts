/** One version of an installed plugin, as the catalogue of plugins sees it. */
import { join } from 'node:path'
import { TroupeError } from '../../base/errors.ts'
import type { PluginInfo, PluginIsolation } from '../../contract/records.ts'
import type { InstalledVersion, PluginRecord } from './record.ts'
import { contentHash, listTree, stampOf } from './tree.ts'
import { hashOfWishes } from './wishes.ts'

export interface InstalledPlugin {
  /** Names the version for good: `<name>@<version>-<hash>`. */
  readonly key: string
  readonly name: string
  readonly version: string
  /** Holds everything of the version. */
  readonly root: string
  /** The folder of the package, below it. */
  readonly path: string
  /** `usable`: by new sessions; a version that is not any more is used by those that began with it. */
  readonly state: 'usable' | 'unconfirmed' | 'disabled'
  /** What the user chose when installing it. */
  readonly isolation: PluginIsolation
  readonly installation: NonNullable<PluginInfo['installation']>
  /**
   * Holds its files against what was installed.
   * @throws TroupeError PLUGIN_CHANGED
   */
  verify(): Promise<void>
}

export const keyOf = (name: string, id: string): string => `${name}@${id}`

export function toInstalledPlugin(
  folder: string,
  record: PluginRecord,
  id: string,
  facts: InstalledVersion,
): InstalledPlugin {
  const { name, isolation, source, pending } = record
  const { version, content, wishes, integrity, resolved } = facts
  const root = join(folder, id)
  const asked = pending === undefined ? undefined : record.versions[pending]
  return {
    key: keyOf(name, id),
    name,
    version,
    root,
    path: join(root, facts.package),
    state: id === pending ? 'unconfirmed' : record.enabled ? 'usable' : 'disabled',
    isolation,
    installation: {
      from: source,
      wishes,
      contentHash: content,
      ...(integrity !== undefined && { integrity }),
      ...(resolved !== undefined && { resolved }),
      ...(asked && {
        unconfirmed: { version: asked.version, wishes: asked.wishes, wishesHash: hashOfWishes(asked.wishes) },
      }),
    },
    verify: () => verify(root, { name, content }),
  }
}

/** Stamps of trees that were held against their hash: reading all files again is only needed when one changes. */
const verified = new Map<string, string>()

async function verify(root: string, { name, content }: { name: string; content: string }): Promise<void> {
  const found = await look(root)
  if (found instanceof Error) throw changed(name, root, found.message)
  if (verified.get(root) === found.stamp) return
  if ((await found.hash().catch(() => undefined)) !== content) throw changed(name, root, 'their content is another')
  verified.set(root, found.stamp)
}

async function look(root: string): Promise<{ stamp: string; hash: () => Promise<string> } | Error> {
  try {
    const files = await listTree(root)
    return { stamp: stampOf(files), hash: () => contentHash(root, files) }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const changed = (name: string, root: string, why: string): TroupeError =>
  new TroupeError(
    'PLUGIN_CHANGED',
    `The files of the plugin "${name}" in ${root} are not those that were installed (${why}), so it is not run. Install it again: troupe plugin rm ${name}, then troupe plugin add.`,
  )
