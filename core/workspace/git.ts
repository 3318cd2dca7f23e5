/**
 * The git program, called so that nothing but git itself runs: no hook, editor, pager, prompt or background task, and
 * no `GIT_*` variable of the host. Which configuration it reads is the business of repository-view.ts.
 */
import { existsSync } from 'node:fs'
import { devNull } from 'node:os'
import { backoffMs } from '../base/backoff.ts'
import { fail, TroupeError } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { runProcess, type ProcessResult } from './run-process.ts'

export interface GitOptions {
  readonly cwd: string
  /** Added to the environment, for example GIT_DIR. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  readonly signal?: AbortSignal | undefined
  /** Default 60 s. */
  readonly timeoutMs?: number
  /** Default 64 MiB. */
  readonly maxOutputBytes?: number
  readonly onOutput?: (chunk: Buffer) => void
  /** At low priority. */
  readonly background?: boolean
  /** Exit codes beside 0 that are answers, not failures. */
  readonly accept?: readonly number[]
}

export interface GitOutput {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
  /** Standard output without the newline at its end. */
  readonly text: string
}

/** @throws TroupeError GIT_NOT_INSTALLED, GIT_FAILED, TIMEOUT, ABORTED; WORKTREE_MISSING when `cwd` is gone. */
export type Git = (args: readonly string[], options: GitOptions) => Promise<GitOutput>

/** What of the host's environment git gets. Proxies and the ssh agent serve partial clones, which fetch lazily. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'no_proxy',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'TEMP',
]

const FIXED: Readonly<Record<string, string>> = {
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_EDITOR: ':',
  GIT_PAGER: 'cat',
  // A path is a path, even one that begins with `:(`.
  GIT_LITERAL_PATHSPECS: '1',
  // A replace ref would show the reviewer another object than the one that is merged.
  GIT_NO_REPLACE_OBJECTS: '1',
}

const SAFE_CONFIG = [
  `core.hooksPath=${devNull}`,
  'core.fsmonitor=false',
  'core.untrackedCache=keep',
  'core.splitIndex=false',
  'core.quotePath=false',
  'core.pager=cat',
  'core.editor=:',
  'protocol.ext.allow=never',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
  'submodule.recurse=false',
  'rerere.enabled=false',
  'worktree.useRelativePaths=false',
  'color.ui=false',
].flatMap((setting) => ['-c', setting])

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_OUTPUT_BYTES = 64 * 1024 * 1024
const LOCK_TRIES = 8
const LOCK_BACKOFF = { firstMs: 20, maxMs: 1000 }

/** `hostEnv` is the environment to pick from, `process.env` in a host. */
export function makeGit(hostEnv: Readonly<NodeJS.ProcessEnv>): Git {
  const base = pick(hostEnv)
  return async (args, options) => {
    for (let attempt = 0; ; attempt += 1) {
      const result = await run(base, args, options)
      if (attempt < LOCK_TRIES && isLocked(result)) {
        await sleep(backoffMs(LOCK_BACKOFF, attempt), options.signal)
        continue
      }
      return answer(args, options, result)
    }
  }
}

function pick(hostEnv: Readonly<NodeJS.ProcessEnv>): Record<string, string> {
  const entries = INHERITED.flatMap((name) => {
    const value = hostEnv[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(entries), ...FIXED }
}

const run = (base: Record<string, string>, args: readonly string[], options: GitOptions): Promise<ProcessResult> =>
  runProcess({
    program: 'git',
    args: [...SAFE_CONFIG, ...args],
    cwd: options.cwd,
    env: { ...base, ...options.env },
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxOutputBytes: options.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
    ...(options.input !== undefined && { input: options.input }),
    background: options.background,
    signal: options.signal,
    onOutput: options.onOutput,
  })

/**
 * Another git, the agent's or the user's, holds a lock file or is adding a worktree. It is done within moments, unless
 * it was killed.
 */
const isLocked = (result: ProcessResult): boolean =>
  result.end.kind === 'exited' &&
  result.end.code !== 0 &&
  /\.lock': File exists|failed to read .*\/commondir/.test(result.stderr)

function answer(args: readonly string[], options: GitOptions, { end, stdout, stderr }: ProcessResult): GitOutput {
  // Before it there may be options with their values.
  const command = `git ${args.find((arg) => /^[a-z][a-z-]*$/.test(arg))}`
  if (end.kind === 'exited' && (end.code === 0 || options.accept?.includes(end.code))) {
    return {
      code: end.code,
      stdout,
      stderr,
      get text() {
        return stdout.toString('utf8').replace(/\n$/, '')
      },
    }
  }
  if (end.kind === 'unstartable') throw unstartable(options.cwd, end.error)
  if (end.kind === 'stopped') throw stopped(command, end.why, options)
  const status = end.kind === 'exited' ? `exit code ${end.code}` : `signal ${end.signal}`
  const words = ownWords(stderr) || status
  return fail('GIT_FAILED', `${command} failed: ${words}`, { command, status, words })
}

/** No descriptors, processes or memory left: that says nothing about git. */
const SHORTAGES = new Set<unknown>(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'])

function unstartable(cwd: string, error: NodeJS.ErrnoException): TroupeError {
  if (!existsSync(cwd)) return new TroupeError('WORKTREE_MISSING', `The folder ${cwd} is gone from the disk.`)
  if (SHORTAGES.has(error.code)) {
    const advice = 'Raise the limits of the host (ulimit -n, ulimit -u), or run fewer sessions at once.'
    return new TroupeError(
      'GIT_FAILED',
      `git could not be started (${error.code}): the system has no room for it. ${advice}`,
    )
  }
  return new TroupeError(
    'GIT_NOT_INSTALLED',
    `The git program cannot be started (${error.code ?? error.message}). Install git 2.38 or newer and put it in PATH.`,
  )
}

function stopped(command: string, why: 'aborted' | 'timeout' | 'output', options: GitOptions): TroupeError {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, maxOutputBytes = DEFAULT_OUTPUT_BYTES } = options
  if (why === 'timeout') return new TroupeError('TIMEOUT', `${command} did not finish within ${timeoutMs} ms.`)
  if (why === 'output') return new TroupeError('GIT_FAILED', `${command} printed more than ${maxOutputBytes} bytes.`)
  return signal?.reason instanceof TroupeError ? signal.reason : new TroupeError('ABORTED', `${command} was given up.`)
}

/** git's own words for a person: repository names and hook output can hold terminal escapes. */
export const ownWords = (text: string): string =>
  text
    .replace(/[^\P{Cc}\n]/gu, ' ')
    .trim()
    .slice(0, 2000)
