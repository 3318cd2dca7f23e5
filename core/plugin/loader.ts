/** Finds plugins and checks their manifests. Runs none of their code. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type ErrorEnvelope, TroupeError, toEnvelope } from '../base/errors.ts'
import type { PluginInfo, PluginIsolation } from '../contract/records.ts'
import type { InstalledPlugin } from './installed/installed-version.ts'
import { readRecord } from './installed/record.ts'
import { type PluginPackage, parseManifest } from './manifest.ts'
import { findMain, readPackageJson } from './package-file.ts'

export interface PluginSources {
  /** The folder with the plugins that come with Troupe. */
  readonly bundled?: string
  /** Plugins that the user put there are in its `plugins` folder, beside those that were installed. */
  readonly dataDir?: string
  readonly installed?: readonly InstalledPlugin[]
  /** Folders of single plugins. */
  readonly paths?: readonly string[]
}

interface Place {
  readonly source: PluginInfo['source']
  readonly path: string
  readonly installed?: InstalledPlugin
}

/** A plugin is ready to be run, waits for the user, or is broken and says why. */
export type FoundPlugin =
  | (Place & {
      readonly status: 'ready'
      readonly manifest: PluginPackage
      readonly url: string
      readonly root: string
    })
  | (Place & {
      readonly status: 'broken' | 'unconfirmed' | 'disabled'
      readonly name: string
      readonly version: string
      readonly agents: readonly string[]
      /** Why it is not run. */
      readonly error: ErrorEnvelope
    })

export type ReadyPlugin = FoundPlugin & { readonly status: 'ready' }

/** `plugins` beside `core`: in the repository, and compiled in the published package. */
export const BUNDLED = fileURLToPath(new URL('../../plugins', import.meta.url))

/** All plugins: bundled ones first, then installed ones, then paths; by name within each. Never rejects for a plugin's fault. */
export async function findPlugins({
  bundled,
  dataDir,
  installed = [],
  paths = [],
}: PluginSources): Promise<FoundPlugin[]> {
  const places: Place[] = [
    ...(await foldersIn(bundled ?? BUNDLED)).map((path) => ({ source: 'bundled' as const, path })),
    ...installed.map(toPlace).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ...(dataDir ? await ownFolders(join(dataDir, 'plugins')) : []).map((path) => ({ source: 'path' as const, path })),
    ...paths.map((path) => ({ source: 'path' as const, path: resolve(path) })),
  ]
  return refuseRivals(await Promise.all(places.map(findPlugin)))
}

const toPlace = (installed: InstalledPlugin): Place => ({ source: 'installed', path: installed.path, installed })

/** One version of an installed plugin. */
export const findInstalled = (installed: InstalledPlugin): Promise<FoundPlugin> => findPlugin(toPlace(installed))

/** Those that were not installed. */
async function ownFolders(folder: string): Promise<string[]> {
  const paths = await foldersIn(folder)
  const records = await Promise.all(paths.map((path) => readRecord(path).catch(() => 'unreadable')))
  return paths.filter((_, index) => records[index] === undefined)
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
    if (place.installed && place.installed.state !== 'usable') return toWaiting(place, place.installed, manifest)
    await place.installed?.verify()
    return { ...place, status: 'ready', manifest, url: pathToFileURL(main).href, root: await rootOf(place) }
  } catch (error) {
    return toBroken(place, json, error)
  }
}

/** What its code may read; those that come with Troupe share code. */
const rootOf = ({ source, path, installed }: Place): Promise<string> =>
  realpath(installed?.root ?? (source === 'bundled' ? dirname(path) : path))

function toWaiting(place: Place, { state, name, version }: InstalledPlugin, manifest: PluginPackage): FoundPlugin {
  const status = state === 'disabled' ? state : 'unconfirmed'
  const why = state === 'disabled' ? 'is disabled' : 'waits for you to agree to what it wants'
  const error = { code: 'CONFLICT' as const, message: `The plugin "${name}" ${why}: troupe plugin enable ${name}` }
  return { ...place, status, name, version, agents: agentNames({ manifest }), error }
}

function toBroken(place: Place, json: unknown, error: unknown): FoundPlugin {
  const { name, version } = (json ?? {}) as { name?: unknown; version?: unknown }
  return {
    ...place,
    status: 'broken',
    name: typeof name === 'string' && name ? name.slice(0, 214) : basename(place.path),
    version: typeof version === 'string' ? version.slice(0, 100) : '',
    agents: [],
    error: toEnvelope(error),
  }
}

/** Of two plugins with one name, or with one agent, the first stays: nothing is silently replaced. */
function refuseRivals(plugins: readonly FoundPlugin[]): FoundPlugin[] {
  const owners = new Map<string, ReadyPlugin>()
  return plugins.map((plugin) => {
    if (plugin.status !== 'ready') return plugin
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

export const agentNames = (plugin: { readonly manifest: PluginPackage }): string[] =>
  Object.keys(plugin.manifest.troupe.agents)

/** As its package.json has them; of one that cannot be read, as far as they are known. */
export const identityOf = (plugin: FoundPlugin): { readonly name: string; readonly version: string } =>
  plugin.status === 'ready' ? plugin.manifest : plugin

/** As clients see it. */
export function toPluginInfo(plugin: FoundPlugin, isolation: PluginIsolation): PluginInfo {
  const { source, path, status, installed } = plugin
  const { name, version } = identityOf(plugin)
  return {
    name,
    version,
    source,
    path,
    isolation,
    status,
    agents: plugin.status === 'ready' ? agentNames(plugin) : [...plugin.agents],
    ...(installed && { installation: installed.installation }),
    ...(plugin.status === 'broken' && { error: toErrorRecord(plugin.error) }),
  }
}

export const toErrorRecord = ({ code, message }: ErrorEnvelope): NonNullable<PluginInfo['error']> => ({ code, message })
