/**
 * The thin shell between the host and an agent's program. It outlives the host and writes the exit code of the
 * program where a later host finds it.
 *
 * - W1 The program's own streams are files (or a FIFO): it never notices that a host died.
 * - W2 The program gets exactly the environment of the request and `TROUPE_PROCESS`. A shell drops, adds and changes
 *   variables, so `env` puts right what it would touch; the wrapper itself uses no variable at all. Variables that a
 *   shell cannot export are arguments of the wrapper, which other users can see; all others are in no command line.
 * - W3 No text of a request is ever parsed by a shell, but for the quotes around it.
 * - W4 The exit code is written by one `write` over a file of the same length, so that a full disk does not lose it, and
 *   ends with a line feed: without it, it is not there yet.
 * - W5 The wrapper reports before it starts the program, as the leader of its own session and with its marker: what the
 *   host hears of can be found and ended. If nobody takes the report, for the host has died, the program is not started.
 */
import type { ProcessFolder } from './process-folder.ts'

/** The variable that names the folder of a process; every descendant inherits it and is found by it. */
export const MARKER = 'TROUPE_PROCESS'

/**
 * Its descriptors: 3 is the exit file, 4 the stderr of the program, 5 takes the report; the program sees only 0, 1 and
 * 2. Its own stderr goes nowhere, for shells print "Terminated" and the like there. `$1` is the tag of the report.
 */
const SCRIPT =
  'echo "$1 $$" >&5 && exec 5>&- && shift || exit 125; ( exec "$@" 2>&4 3>&- 4>&- ); set -- $?; echo $1 >&3; exit $1'

export interface WrapperTools {
  readonly env: string
  readonly mkfifo: string
  /** What gives the wrapper a session of its own; absent where it has one already. */
  readonly setsid?: string
}

export interface WrapperRequest {
  readonly folder: ProcessFolder
  /** Absolute. */
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdin: 'none' | 'live' | 'content'
}

export interface WrapperCommand {
  /** For a shell that has the tag of the report as `$1` and its receiver as descriptor 5: it becomes the wrapper. */
  readonly text: string
  /** How the command lines of the steps before the program begin; the program runs when its own is another. */
  readonly steps: readonly string[]
}

/** Variables that some shell sets, refuses or interprets itself. */
const SHELL_OWNED =
  /^(_|PWD|OLDPWD|SHLVL|IFS|PPID|OPT(IND|ARG|ERR)|PS[0-4]|LINENO|S?RANDOM|SECONDS|EPOCH\w+|E?UID|GROUPS|DIRSTACK|FUNCNAME|HISTCMD|POSIXLY_CORRECT|SHELLOPTS|BASH\w*)$/
const SHELL_SETS = ['PWD', 'OLDPWD', 'SHLVL', '_']
const PLAIN_NAME = /^[A-Za-z_]\w*$/
/** A shell without job control starts what runs beside it with these ignored, and no shell can take that back. */
export const DEFAULT_SIGNALS = '--default-signal=INT,QUIT'

const passesShell = ([name]: readonly [string, string]): boolean => PLAIN_NAME.test(name) && !SHELL_OWNED.test(name)

/** The text and what it runs. */
export function toWrapperCommand(request: WrapperRequest, tools: WrapperTools): WrapperCommand {
  const variables = Object.entries({ ...request.env, [MARKER]: request.folder.path })
  const odd = variables.filter((variable) => !passesShell(variable)).map(([name, value]) => `${name}=${value}`)
  const signals = tools.setsid === undefined ? [] : [DEFAULT_SIGNALS]
  const env = [tools.env, ...signals, ...SHELL_SETS.flatMap((name) => ['-u', name]), '--', ...odd]
  // `env` would take such a path for a variable; "$@" of a second shell does not.
  const run = request.program.includes('=') ? ['/bin/sh', '-c', 'exec "$@"', 'sh'] : []
  const setsid = tools.setsid === undefined ? [] : [tools.setsid]
  const wrapper = ['/bin/sh', '-c', SCRIPT, 'troupe-process']
  const steps = [
    ...openStreams(request, tools),
    `export ${variables.filter(passesShell).map(toAssignment).join(' ')}`,
    `exec ${quoteAll([...setsid, ...wrapper])} "$1" ${quoteAll([...env, ...run, request.program, ...request.args])}`,
  ]
  return {
    text: steps.join('\n'),
    steps: [wrapper.slice(0, 3), env, run].filter((step) => step.length > 0).map(toLine),
  }
}

/** Complaints up to here are of this machine and go where the host looks for them; later ones would be a shell's. */
function openStreams({ folder, cwd, stdin }: WrapperRequest, tools: WrapperTools): string[] {
  const pipe = quote(folder.in)
  return [
    `exec >>${quote(folder.out)} 4>>${quote(folder.err)} 2>&4 3<>${quote(folder.exit)} || exit`,
    `cd -- ${quote(cwd)} || exit`,
    // Opened for reading and writing, a FIFO neither ends nor breaks when a writer goes.
    ...(stdin === 'live' ? [`{ [ -p ${pipe} ] || ${makePipe(folder, tools)}; } && exec <>${pipe} || exit`] : []),
    ...(stdin === 'content' ? [`exec <${quote(folder.content)} || exit`] : []),
    ...(stdin === 'none' ? ['exec </dev/null || exit'] : []),
    'exec 2>/dev/null',
  ]
}

/** The command that makes the FIFO of a live stdin. */
export const makePipe = (folder: ProcessFolder, { mkfifo }: WrapperTools): string =>
  quoteAll([mkfifo, '-m', '600', '--', folder.in])

/** One word for a shell, whatever is in it but NUL (W3). */
export const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

const quoteAll = (words: readonly string[]): string => words.map(quote).join(' ')
const toAssignment = ([name, value]: readonly [string, string]): string => `${name}=${quote(value)}`
const toLine = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('')

/** True when this is the complaint of `env` or the wrapper about a program, not of the program, on its stderr. */
export const isWrapperComplaint = (stderr: string, { env }: WrapperTools): boolean =>
  [env, 'troupe-process'].some((name) => stderr.startsWith(`${name}: `))
