/**
 * Runs npm, as the user has configured it.
 *
 * N1 It runs no script of a package and heeds no `.npmrc` of one, asks nobody, and writes only below the folder that it is given;
 *    its cache is there too.
 * N2 It is bounded in time and in what it writes, ends when asked, and leaves no process.
 */
import { access, constants, lstat, readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { TroupeError, fail } from '../../base/errors.ts'
import { runProgram } from '../run-program.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface NpmOptions {
  /** The environment of the host, of which npm gets a part. */
  readonly env: Environment
  readonly clock: Clock
  /** The Node whose npm is taken first. */
  readonly node?: string
  readonly ms?: number
  /** What it may write, in bytes. */
  readonly mostBytes?: number
}

export interface NpmRun {
  /** Everything is below it; what is installed is in its `tree`. */
  readonly folder: string
  readonly spec: string
  readonly signal: AbortSignal
}

const RUN_MS = 5 * 60_000
const MOST_BYTES = 1024 * 1024 * 1024
const LOOK_MS = 500
const PASSED_ON =
  /^(?:HOME|USERPROFILE|APPDATA|PATH|LANG|LC_ALL|TZ|TMPDIR|SSH_AUTH_SOCK|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|NPM_TOKEN|NODE_AUTH_TOKEN|(?:https?|no|all)_proxy|npm_config_(?:registry|userconfig|globalconfig|cafile|ca|proxy|https_proxy|noproxy|strict_ssl))$/i

const NODE_OPTIONS = [
  // A manifest of any size is read by npm first.
  '--max-old-space-size=1024',
  // What comes from git, npm prepares with another npm in the clone. That one would heed the clone's `.npmrc`, which can name a
  // program to run and a registry to send tokens to. As no script is run, there is nothing to prepare: it ends at once.
  '--import=data:text/javascript,process.env._PACOTE_NO_PREPARE_&&process.exit()',
]

const ARGUMENTS = [
  'install',
  '--ignore-scripts',
  '--install-links',
  '--no-bin-links',
  '--omit=dev',
  // The contract comes from the host, whatever a plugin says of its peers.
  '--legacy-peer-deps',
  '--save-exact',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--json',
  '--loglevel=error',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
  '--fetch-timeout=60000',
]

/** @throws TroupeError NPM_NOT_INSTALLED, PLUGIN_INSTALL with the reason that npm gives, TIMEOUT, ABORTED */
export async function npmInstall({ folder, spec, signal }: NpmRun, options: NpmOptions): Promise<void> {
  const { clock, ms = RUN_MS, mostBytes = MOST_BYTES } = options
  const [program, ...first] = await findNpm(options)
  const tooLarge = new AbortController()
  using _watch = watchSize(folder, { clock, mostBytes, onTooLarge: () => tooLarge.abort() })
  const result = await runProgram({
    program,
    args: [...first, ...ARGUMENTS, `--cache=${join(folder, 'cache')}`, `--prefix=${join(folder, 'tree')}`, '--', spec],
    env: npmEnvironment(options.env),
    cwd: join(folder, 'tree'),
    ms,
    signal: AbortSignal.any([signal, tooLarge.signal]),
  })
  if (signal.aborted) throw new TroupeError('ABORTED', 'Installing the plugin was given up; nothing was changed.')
  if (tooLarge.signal.aborted)
    fail('PLUGIN_INSTALL', `"${spec}" is larger than ${mostBytes / 2 ** 20} MiB while it is installed.`)
  if (result.late)
    fail('TIMEOUT', `npm did not install "${spec}" within ${ms / 1000} s; nothing was changed. Try again later.`)
  if (result.code !== 0) throw npmError(spec, result)
}

/** Program and first arguments. The npm that belongs to the Node that runs this, else the one in PATH. */
async function findNpm({ env, node = process.execPath }: NpmOptions): Promise<[string, ...string[]]> {
  const home = dirname(await realpath(node).catch(() => node))
  for (const path of ['../lib/node_modules/npm/bin/npm-cli.js', 'node_modules/npm/bin/npm-cli.js']) {
    if (await allows(join(home, path), constants.R_OK)) return [node, join(home, path)]
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(isAbsolute)) {
    if (await allows(join(folder, 'npm'), constants.X_OK)) return [join(folder, 'npm')]
  }
  return fail(
    'NPM_NOT_INSTALLED',
    'Plugins are installed with npm, which is neither beside this Node nor in PATH. Install it, then try again.',
  )
}

const allows = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )

function npmEnvironment(env: Environment): Record<string, string> {
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && PASSED_ON.test(name) ? [[name, value]] : [],
  )
  return {
    ...Object.fromEntries(passed),
    npm_config_ignore_scripts: 'true',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    NODE_OPTIONS: NODE_OPTIONS.join(' '),
  }
}

interface SizeWatch {
  readonly clock: Clock
  readonly mostBytes: number
  readonly onTooLarge: () => void
}

/** A package may unpack to any size. */
function watchSize(folder: string, { clock, mostBytes, onTooLarge }: SizeWatch): Disposable {
  let timer: Disposable | undefined
  let over = false
  const look = async () => {
    if ((await sizeOf(folder)) > mostBytes) onTooLarge()
    else if (!over) timer = clock.after(LOOK_MS, () => void look())
  }
  timer = clock.after(LOOK_MS, () => void look())
  return {
    [Symbol.dispose]() {
      over = true
      timer?.[Symbol.dispose]()
    },
  }
}

/** Of files that come and go. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0
  }
  return bytes
}

const report = z.object({ error: z.object({ code: z.string().nullish(), summary: z.string().nullish() }) })

const UNREACHABLE = new Set([
  'ENOTFOUND',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ENETUNREACH',
  'ERR_SOCKET_TIMEOUT',
])

function npmError(spec: string, { stdout, stderr }: { stdout: string; stderr: string }): TroupeError {
  const { code, summary } = readReport(stdout)
  const words = (summary ?? stderr).trim().split('\n').slice(0, 4).join(' ').slice(0, 600) || 'it gave no reason'
  const advice = UNREACHABLE.has(code ?? '')
    ? ' The registry could not be reached: look at your network and at: npm config get registry'
    : ''
  return new TroupeError(
    'PLUGIN_INSTALL',
    `npm could not install "${spec}"${code ? ` (${code})` : ''}: ${words}.${advice}`,
    {
      ...(code && { npmCode: code }),
    },
  )
}

function readReport(text: string): { code?: string | null | undefined; summary?: string | null | undefined } {
  try {
    return report.parse(JSON.parse(text)).error
  } catch {
    return {}
  }
}
