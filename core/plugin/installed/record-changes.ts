/** How the record of an installed plugin changes. Pure. */
import { fail } from '../../base/errors.ts'
import type { PluginIsolation } from '../../contract/records.ts'
import type { PluginRecord } from './record.ts'
import type { Staged } from './stage.ts'
import { hashOfWishes } from './wishes.ts'

/** What the user said when installing it. */
export interface Chosen {
  readonly source: string
  readonly isolation?: PluginIsolation | undefined
}

/** The isolation of an installed plugin when the user chose none: it is a stranger's code. */
const DEFAULT_ISOLATION: PluginIsolation = 'process'

/** With one more version, which is used at once only if it wants what the user has agreed to before. */
export function withVersion(
  known: PluginRecord | undefined,
  { manifest, version }: Staged,
  { source, isolation }: Chosen,
  installedAt: string,
): PluginRecord {
  const id = versionId(version)
  const current = known?.current
  const agreed = current === undefined ? undefined : known?.versions[current]
  const isAgreed = agreed !== undefined && hashOfWishes(agreed.wishes) === hashOfWishes(version.wishes)
  return {
    format: 1,
    name: manifest.name,
    source,
    isolation: isolation ?? known?.isolation ?? DEFAULT_ISOLATION,
    enabled: known?.enabled ?? true,
    versions: { [id]: { ...version, installedAt }, ...known?.versions },
    ...(isAgreed ? { current: id } : { ...(current !== undefined && { current }), pending: id }),
  }
}

/** The version that waits is used from now on. @throws TroupeError CONFLICT when nothing waits, or something else than these wishes. */
export function withConfirmation(record: PluginRecord, wishesHash: string): PluginRecord {
  const { pending, ...rest } = record
  const waiting = pending === undefined ? undefined : record.versions[pending]
  if (!waiting) return fail('CONFLICT', `The plugin "${record.name}" waits for no confirmation.`)
  if (hashOfWishes(waiting.wishes) !== wishesHash) {
    fail(
      'CONFLICT',
      `What the plugin "${record.name}" wants has changed since it was shown. Look at it again: troupe plugin ls`,
    )
  }
  return { ...rest, current: pending }
}

/** Without the versions that are not used any more, by new sessions or by those that `isInUse` tells. */
export function withoutOldVersions(record: PluginRecord, isInUse: (id: string) => boolean): PluginRecord {
  const { current, pending, versions } = record
  const kept = Object.entries(versions).filter(([id]) => id === current || id === pending || isInUse(id))
  return { ...record, versions: Object.fromEntries(kept) }
}

/** Names the folder of a version; others than these files never have this name. */
export const versionId = ({ version, content }: Staged['version']): string =>
  `${version.replaceAll(/[^0-9A-Za-z.+-]/g, '_').slice(0, 60)}-${Buffer.from(content.slice('sha256-'.length), 'base64').toString('hex').slice(0, 16)}`
