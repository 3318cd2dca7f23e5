/** Brings what is to be installed into a folder of its own, whole and looked at, before anybody hears of it. */
import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { fail } from '../../base/errors.ts'
import { type PluginPackage, isPackageName, parseManifest } from '../manifest.ts'
import { findMain, readPackageJson } from '../package-file.ts'
import { type NpmOptions, npmInstall } from './npm.ts'
import type { InstalledVersion } from './record.ts'
import { type PluginSource, toSpec } from './source.ts'
import { TREE_LIMITS, contentHash, listTree, stampOf } from './tree.ts'
import { wishesOf } from './wishes.ts'

/** The folder of the plugin's own package in its tree. */
const PACKAGE = 'package'

export interface Staged {
  /** Holds everything that belongs to the version. */
  readonly tree: string
  readonly manifest: PluginPackage
  readonly version: Omit<InstalledVersion, 'installedAt'>
}

export interface StageWork {
  readonly source: PluginSource
  /** An empty folder; the caller's to remove. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** @throws TroupeError PLUGIN_..., NPM_NOT_INSTALLED, TIMEOUT, ABORTED */
export async function stage({ source, folder, signal }: StageWork, npm: NpmOptions): Promise<Staged> {
  const tree = join(folder, 'tree')
  await mkdir(tree, { mode: 0o700 })
  await writeFile(join(tree, 'package.json'), '{ "private": true }\n')
  const before = await stampOfSource(source)
  await npmInstall({ folder, spec: toSpec(source), signal }, npm)
  if (before !== (await stampOfSource(source))) {
    fail('PLUGIN_INSTALL', `${toSpec(source)} was changed while it was copied. Try again when nobody writes there.`)
  }
  // Names of the cache's files differ from run to run.
  await rm(join(folder, 'cache'), { recursive: true, force: true })
  const staged = await examine(tree)
  // Only a folder that the user named may have others beside it.
  if (!(await isFolder(source))) await assertNothingLocal(tree, staged.manifest.name)
  return staged
}

async function examine(tree: string): Promise<Staged> {
  const name = await installedName(tree)
  const origin = await originOf(tree, join('node_modules', name))
  const folder = join(tree, PACKAGE)
  // Node runs TypeScript only outside of `node_modules`; what the plugin depends on is found from here as well.
  await rename(join(tree, 'node_modules', name), folder)
  const files = await listTree(tree)
  const manifest = parseManifest(await readPackageJson(folder), `package.json of "${name}"`)
  await findMain(folder, manifest.main)
  if (manifest.name !== name) fail('PLUGIN_INSTALL', `The package "${name}" calls itself "${manifest.name}".`)
  const content = await contentHash(tree, files)
  return {
    tree,
    manifest,
    version: { version: manifest.version, content, wishes: wishesOf(manifest), package: PACKAGE, ...origin },
  }
}

/** Of a folder or file on this machine; npm takes its files one after the other. */
async function stampOfSource(source: PluginSource): Promise<string | undefined> {
  if (source.kind !== 'path') return undefined
  const { path } = source
  const facts = await lstat(path, { bigint: true }).catch(() =>
    fail('PLUGIN_SOURCE', `There is no folder or tarball ${path}.`),
  )
  if (facts.isDirectory()) {
    parseManifest(await readPackageJson(path), join(path, 'package.json'))
    return stampOf(await listTree(path, TREE_LIMITS, ['node_modules', '.git']))
  }
  if (!facts.isFile()) fail('PLUGIN_SOURCE', `${path} is neither a folder nor a tarball, for example a link.`)
  if (facts.size > TREE_LIMITS.bytes)
    fail('PLUGIN_INSTALL', `${path} is larger than ${TREE_LIMITS.bytes / 2 ** 20} MiB.`)
  return `${facts.size} ${facts.mtimeNs} ${facts.ino}`
}

const dependencies = z.object({ dependencies: z.record(z.string(), z.string()) })

/** npm writes down what it was asked to install. */
async function installedName(tree: string): Promise<string> {
  const saved = dependencies.safeParse(JSON.parse(await readFile(join(tree, 'package.json'), 'utf8')))
  const [name] = Object.keys(saved.data?.dependencies ?? {})
  if (name === undefined || !isPackageName(name))
    return fail('PLUGIN_INSTALL', 'npm installed no package with a usable name.')
  return name
}

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional(), resolved: z.string().optional() })),
})

/** Of each package, by its folder in the tree: where npm has it from. */
async function readOrigins(tree: string) {
  const text = await readFile(join(tree, 'package-lock.json'), 'utf8').catch(() => '{}')
  return lockFile.safeParse(JSON.parse(text)).data?.packages ?? {}
}

async function isFolder(source: PluginSource): Promise<boolean> {
  return source.kind === 'path' && (await lstat(source.path)).isDirectory()
}

/** A dependency can name any folder of this machine: npm would copy it to where the plugin may read it. */
async function assertNothingLocal(tree: string, name: string): Promise<void> {
  const own = `node_modules/${name}`
  for (const [path, { resolved }] of Object.entries(await readOrigins(tree))) {
    if (path !== own && resolved?.startsWith('file:'))
      fail('PLUGIN_INSTALL', `"${name}" depends on a folder or file of this machine: ${resolved}. Tell its author.`)
  }
}

async function originOf(tree: string, path: string): Promise<Pick<InstalledVersion, 'integrity' | 'resolved'>> {
  const { integrity, resolved } = (await readOrigins(tree))[path] ?? {}
  const isAddress = resolved !== undefined && !resolved.startsWith('file:')
  return { ...(integrity !== undefined && { integrity }), ...(isAddress && { resolved }) }
}
