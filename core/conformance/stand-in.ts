/** The stand-in that a plugin brings for an agent's program, as its manifest names it. */
import { join, resolve } from 'node:path'
import type { AgentManifest } from '../plugin/manifest.ts'
import type { Lab } from './lab.ts'
import { writeLauncher } from './programs.ts'
import type { SceneName, Stage } from './scenes.ts'

/** Undefined when the manifest names none. */
export async function readStandIn(
  { standIn }: AgentManifest,
  { plugin, lab, agent }: { plugin: string; lab: Lab; agent: string },
): Promise<Stage | undefined> {
  if (!standIn) return undefined
  const program = await writeLauncher(
    join(lab.folder, 'programs'),
    `stand-in-${agent}`,
    resolve(plugin, standIn.program),
  )
  return (scene: SceneName) => (standIn.scenes.includes(scene) ? { program, args: standIn.args } : undefined)
}
