/**
 * Runs before `npm start` and `npm test`: installs what package-lock.json names and node_modules lacks. Plain JavaScript
 * without dependencies, because it runs when there are none, on the Node that the system has.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './install-lock.js'
import { findRuntime, isRecentEnough, noRuntime, runtimePackage } from './runtime.js'

const OLDEST_MAJOR = 20
const LIMIT_MS = 15 * 60_000

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(root, 'node_modules')
const lock = join(root, '.cache', 'install.lock')

/** Something that the user can mend; shown without a stack. */
class InstallError extends Error {}

const say = (text) => process.stderr.write(`troupe: ${text}\n`)

/** The packages of a lock file by their place, or undefined if it cannot be read. */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

// npm leaves out the optional packages of other platforms; of them Troupe needs only its Node.
const mayBeAbsent = ({ optional, peer }, place) =>
  (optional || peer) && (place !== `node_modules/${runtimePackage}` || isRecentEnough())

/** Why an installation is needed, or undefined. Compares contents: times say nothing after a checkout or a copy. */
function whatIsMissing() {
  if (!existsSync(modules)) return 'node_modules is missing'
  const wanted = readPackages(join(root, 'package-lock.json'))
  if (!wanted) throw new InstallError('package-lock.json is missing or damaged: restore it with git.')
  const installed = readPackages(join(modules, '.package-lock.json'))
  if (!installed) return 'the last installation did not end'
  for (const [place, entry] of Object.entries(wanted)) {
    if (place === '') continue
    const present = installed[place]
    if (!present && !mayBeAbsent(entry, place)) return `${place} is missing`
    if (present && present.integrity !== entry.integrity) return `package-lock.json names another ${place}`
  }
  return undefined
}

function isInModules(folder) {
  const path = relative(modules, resolve(folder))
  return !path.startsWith('..') && !isAbsolute(path)
}

/** PATH without our own node_modules: npm must not run on a Node that it is about to replace. */
function environment() {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  const folders = (process.env[name] ?? '').split(delimiter).filter((folder) => folder && !isInModules(folder))
  return { ...process.env, [name]: folders.join(delimiter) }
}

/**
 * `--loglevel=error` hides "unsupported engine" warnings: they compare packages with the Node that runs npm, while
 * everything here runs on the packaged one.
 */
const NPM_CI = [
  'ci',
  '--include=dev',
  '--include=optional',
  '--prefer-offline',
  '--loglevel=error',
  '--no-progress',
  // Every add-on comes ready built in its package. npm would compile one of them all the same, which needs Python.
  '--ignore-scripts',
]

function runNpm() {
  const windows = process.platform === 'win32' // npm is npm.cmd there, which only a shell starts.
  const stdio = ['ignore', 'ignore', 'pipe']
  const npm = spawn('npm', NPM_CI, { cwd: root, env: environment(), stdio, shell: windows, timeout: LIMIT_MS })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => npm.kill(signal))
  let errors = ''
  npm.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-20_000)))
  return new Promise((settle, fail) => {
    npm.on('error', (error) => fail(whyNotStarted(error)))
    npm.on('close', (code, signal) => (code === 0 ? settle() : fail(whyFailed(signal, errors))))
  })
}

const whyNotStarted = (error) =>
  new InstallError(
    error.code === 'ENOENT'
      ? 'npm is not in PATH: install it (it comes with Node) and run the same command again.'
      : `npm cannot be started: ${error.message}.`,
  )

const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/

function whyFailed(signal, errors) {
  if (errors.trim() === '') return new InstallError(`npm was ended (${signal ?? 'no reason given'}): run it again.`)
  const advice = OFFLINE.test(errors)
    ? 'npm cannot reach its registry: check the network, and the proxy and registry settings of npm, then run it again.'
    : 'npm could not install the packages: its own words are above.'
  return new InstallError(`npm failed.\n${errors.trim()}\n${advice}`)
}

async function installIfStillMissing() {
  const reason = whatIsMissing() // Another process may have done it while this one waited for the lock.
  if (!reason) return
  const begin = Date.now()
  say(`installing the packages of package-lock.json with npm, once: ${reason} ...`)
  await runNpm()
  const left = whatIsMissing()
  if (left) throw new InstallError(`npm ended without an error, but ${left}: remove node_modules and run it again.`)
  say(`installed in ${Math.round((Date.now() - begin) / 1000)} s`)
}

async function main() {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_MAJOR) {
    throw new InstallError(
      `Node ${OLDEST_MAJOR} or newer is needed to install Troupe; this is ${process.versions.node}.`,
    )
  }
  if (whatIsMissing()) {
    const onWait = () => say('another installation is at work here, waiting for it ...')
    const done = await withLock(lock, { limitMs: LIMIT_MS, onWait }, installIfStillMissing)
    if (!done) throw new InstallError(`another installation does not end: remove ${lock} and run it again.`)
  }
  if (!findRuntime(import.meta.url) && !isRecentEnough()) throw new InstallError(noRuntime())
}

try {
  await main()
} catch (error) {
  if (!(error instanceof InstallError)) throw error
  say(error.message)
  process.exitCode = 1
}
