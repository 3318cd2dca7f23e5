/**
 * The thin shell between the host and an agent's program. It outlives the host and writes the exit code of the
 * program where a later host finds it.
 *
 * - W1 The program's own streams are files (or a FIFO): it never notices that a host died.
 * - W2 The program gets exactly the environment of the request and `TROUPE_PROCESS`. A shell drops, adds and changes
 *   variables, so `env` puts right what it would touch; the script itself uses no variable at all. Values of variables
 *   with such names are arguments of `env` for a moment, which other users can see.
 * - W3 No text of a request is ever parsed by the shell: everything travels as "$@".
 * - W4 The exit code is written by one `write` and ends with a line feed: without it, it is not there yet. The wrapper
 *   exits with it too, for a full disk.
 */

/** The variable that names the folder of a process; every descendant inherits it and is found by it. */
export const MARKER = 'TROUPE_PROCESS'

/**
 * The wrapper has the exit file as descriptor 3 and the stderr of the program as 4, of which the program sees only 0, 1
 * and 2. Its own stderr goes nowhere, for shells print "Terminated" and the like there.
 */
const RUN = '( exec "$@" 2>&4 3>&- 4>&- ); set -- $?; echo $1 >&3; exit $1'
/** What the host inherited itself, a lock of the script that started it for example, must not outlive it here. */
const CLOSE_STRAY = 'exec 5>&- 6>&- 7>&- 8>&- 9>&-'
const SCRIPT = `${CLOSE_STRAY}; ${RUN}`
/** Opened for reading and writing, the FIFO neither ends nor breaks when a writer goes. */
const LIVE_SCRIPT = `${CLOSE_STRAY}; "$1" -m 600 -- "$2" 2>&4 && exec <>"$2" || exit 126; shift 2; ${RUN}`

export interface WrapperTools {
  readonly env: string
  readonly mkfifo: string
}

export interface WrapperCommand {
  readonly file: '/bin/sh'
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** How the command lines of the steps before the program begin; the program runs when its own is another. */
  readonly steps: readonly string[]
}

export interface WrapperRequest {
  readonly folder: string
  /** Absolute. */
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The path of the FIFO to be made, when stdin is live. */
  readonly fifo?: string
}

/** Variables that some shell sets, refuses or interprets itself. */
const SHELL_OWNED =
  /^(_|PWD|OLDPWD|SHLVL|IFS|PPID|OPT(IND|ARG|ERR)|PS[0-4]|LINENO|S?RANDOM|SECONDS|EPOCH\w+|E?UID|GROUPS|DIRSTACK|FUNCNAME|HISTCMD|POSIXLY_CORRECT|SHELLOPTS|BASH\w*)$/
const SHELL_SETS = ['PWD', 'OLDPWD', 'SHLVL', '_']
const PLAIN_NAME = /^[A-Za-z_]\w*$/

const passesShell = (name: string): boolean => PLAIN_NAME.test(name) && !SHELL_OWNED.test(name)

/** The command to be spawned with the descriptors above. */
export function toWrapperCommand(request: WrapperRequest, tools: WrapperTools): WrapperCommand {
  const variables = Object.entries({ ...request.env, [MARKER]: request.folder })
  const direct = variables.filter(([name]) => passesShell(name))
  const through = variables.filter(([name]) => !passesShell(name)).map(([name, value]) => `${name}=${value}`)
  const env = [tools.env, ...SHELL_SETS.flatMap((name) => ['-u', name]), '--', ...through]
  // `env` would take such a path for a variable; "$@" of a second shell does not.
  const run = request.program.includes('=') ? ['/bin/sh', '-c', 'exec "$@"', 'sh'] : []
  const script = request.fifo === undefined ? SCRIPT : LIVE_SCRIPT
  const pipe = request.fifo === undefined ? [] : [tools.mkfifo, request.fifo]
  const args = ['-c', script, 'troupe-process', ...pipe, ...env, ...run, request.program, ...request.args]
  return {
    file: '/bin/sh',
    args,
    env: Object.fromEntries(direct),
    steps: [['/bin/sh', '-c', script], [tools.mkfifo, '-m'], env, run].filter((step) => step.length > 0).map(toLine),
  }
}

const toLine = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('')

/** True when this is the complaint of the wrapper (W2), not of a program, on its stderr. */
export const isWrapperComplaint = (stderr: string, tools: WrapperTools): boolean =>
  [tools.env, tools.mkfifo, 'troupe-process'].some((name) => stderr.startsWith(`${name}: `))
