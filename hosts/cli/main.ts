/** The program `troupe`: gives this process to the command line. Runs when it is loaded. */
import { runCommandLine } from './run-command-line.ts'

/** What still keeps the process alive after its work is done is not worth waiting for. */
const LINGER_MS = 2000

// What a command waits for may be only timers that do not keep a process alive: this one does, until it is done.
const alive = setInterval(() => {}, 2 ** 30)

process.exitCode = await runCommandLine({
  args: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  streams: process,
  entry: process.argv[1] ?? import.meta.filename,
  // Not loaded for `--help`.
  compose: async (options) => (await import('../compose.ts')).composeHost(options),
  signals: { source: process, exit: (code) => process.exit(code) },
})
clearInterval(alive)
setTimeout(() => process.exit(), LINGER_MS).unref()
