/** The program `troupe`: gives this process to the command line. Runs when it is loaded. */
import { setFlagsFromString } from 'node:v8'

/** What still keeps the process alive after its work is done is not worth waiting for. */
const LINGER_MS = 2000

// The young generation would grow while modules load, to 30 MB that an idle host keeps; small, it costs next to no time.
// A host lets it grow once it serves. Modules that are imported above would be loaded before.
setFlagsFromString('--semi-space-growth-factor=1')
const { runCommandLine } = await import('./run-command-line.ts')

// What a command waits for may be only timers that do not keep a process alive: this one does, until it is done.
const alive = setInterval(() => {}, 2 ** 30)

const faults = process.env['TROUPE_FAULTS']
if (faults) (await import('../fault-points.ts')).installFaultPoints(faults)

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
