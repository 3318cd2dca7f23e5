/** What a plugin wants of the machine, as its manifest says; shown to the user before its code runs. Pure. */
import { createHash } from 'node:crypto'
import type { PluginWishes } from '../../contract/records.ts'
import type { PluginPackage } from '../manifest.ts'

export function wishesOf({ troupe }: PluginPackage): PluginWishes {
  const agents = Object.values(troupe.agents)
  return {
    secrets: sorted(agents.flatMap(({ secrets }) => secrets)),
    programs: sorted([...troupe.programs, ...agents.flatMap(({ program }) => program ?? [])]),
    network: sorted(troupe.network),
  }
}

/** What a confirmation names, so that nobody agrees to what they did not see. */
export const hashOfWishes = ({ secrets, programs, network }: PluginWishes): string =>
  createHash('sha256')
    .update(JSON.stringify([secrets, programs, network]))
    .digest('hex')
    .slice(0, 32)

const sorted = (names: readonly string[]): string[] => [...new Set(names)].toSorted()
