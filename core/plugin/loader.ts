/** Finds plugins and checks their manifests. Runs none of their code. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type ErrorEnvelope, TroupeError, toEnvelope } from '../base/errors.ts'
import type { PluginInfo } from '../contract/records.ts'
import { type PluginPackage, parseManifest } from './manifest.ts'
import { findMain, readPackageJson } from './package-file.ts'

export interface PluginSources {
  /** The folder with the plugins that come with Troupe. */
  readonly bundled?: string
  /** Installed plugins are in its `plugins` folder. */
  readonly dataDir?: string
  /** Folders of single plugins. */
  readonly paths?: readonly string[]
}

interface Place {
  readonly source: PluginInfo['source']
  readonly path: string
}

/** A plugin is ready to be run, or is broken and says why. */
export type FoundPlugin =
  | (Place & { readonly status: 'ready'; readonly manifest: PluginPackage; readonly url: string })
  | (Place & {
      readonly status: 'broken'
      readonly name: string
      readonly version: string
      readonly error: ErrorEnvelope
    })

export type ReadyPlugin = FoundPlugin & { readonly status: 'ready' }

/** `plugins` beside `core`: in the repository, and compiled in the published package. */
export const BUNDLED = fileURLToPath(new URL('../../plugins', import.meta.url))

/** All plugins: bundled ones first, then installed ones, then paths; by name within each. Never rejects for a plugin's fault. */
export async function findPlugins({ bundled, dataDir, paths = [] }: PluginSources): Promise<FoundPlugin[]> {
  const places: Place[] = [
    ...(await foldersIn(bundled ?? BUNDLED)).map((path) => ({ source: 'bundled' as const, path })),
    ...(dataDir ? await foldersIn(join(dataDir, 'plugins')) : []).map((path) => ({
      source: 'installed' as const,
      path,
    })),
    ...paths.map((path) => ({ source: 'path' as const, path: resolve(path) })),
  ]
  return refuseRivals(await Promise.all(places.map(findPlugin)))
}

async function foldersIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const shown = names.filter((name) => !name.startsWith('.') && name !== 'node_modules')
  const paths = shown.toSorted().map((name) => join(folder, name))
  const isFolder = await Promise.all(
    paths.map(async (path) => (await stat(path).catch(() => undefined))?.isDirectory()),
  )
  return paths.filter((_, index) => isFolder[index])
}

async function findPlugin(place: Place): Promise<FoundPlugin> {
  let json: unknown
  try {
    json = await readPackageJson(place.path)
    const manifest = parseManifest(json, join(place.path, 'package.json'))
    const main = await findMain(place.path, manifest.main)
    return { ...place, status: 'ready', manifest, url: pathToFileURL(main).href }
  } catch (error) {
    return toBroken(place, json, error)
  }
}

function toBroken(place: Place, json: unknown, error: unknown): FoundPlugin {
  const { name, version } = (json ?? {}) as { name?: unknown; version?: unknown }
  return {
    ...place,
    status: 'broken',
    name: typeof name === 'string' && name ? name.slice(0, 214) : basename(place.path),
    version: typeof version === 'string' ? version.slice(0, 100) : '',
    error: toEnvelope(error),
  }
}

/** Of two plugins with one name, or with one agent, the first stays: nothing is silently replaced. */
function refuseRivals(plugins: readonly FoundPlugin[]): FoundPlugin[] {
  const owners = new Map<string, ReadyPlugin>()
  return plugins.map((plugin) => {
    if (plugin.status === 'broken') return plugin
    const claims = [`plugin "${plugin.manifest.name}"`, ...agentNames(plugin).map((agent) => `agent "${agent}"`)]
    const lost = claims.find((claim) => owners.has(claim))
    const rival = lost === undefined ? undefined : owners.get(lost)
    if (rival) return toBroken(plugin, plugin.manifest, rivalError(lost ?? '', rival))
    for (const claim of claims) owners.set(claim, plugin)
    return plugin
  })
}

const rivalError = (claim: string, { manifest, path }: ReadyPlugin): TroupeError =>
  new TroupeError(
    'PLUGIN_MANIFEST',
    `The ${claim} is there already, from ${manifest.name} ${manifest.version} in ${path}; remove one of the two.`,
  )

export const agentNames = (plugin: ReadyPlugin): string[] => Object.keys(plugin.manifest.troupe.agents)

/** As clients see it. */
export function toPluginInfo(plugin: FoundPlugin): PluginInfo {
  const { source, path, status } = plugin
  if (status === 'ready') {
    const { name, version } = plugin.manifest
    return { name, version, source, path, status, agents: agentNames(plugin) }
  }
  const { name, version, error } = plugin
  return { name, version, source, path, status, error: toErrorRecord(error), agents: [] }
}

export const toErrorRecord = ({ code, message }: ErrorEnvelope): NonNullable<PluginInfo['error']> => ({ code, message })
