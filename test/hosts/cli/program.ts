/** Runs the command line in this process, with streams, signals and an environment of its own. */
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { composeHost } from '../../../hosts/compose.ts'
import { runCommandLine } from '../../../hosts/cli/run-command-line.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Program extends Disposable {
  /** The home and the working folder. */
  readonly home: string
  run(...args: string[]): Promise<Ended>
}

function collect(): { stream: PassThrough; text: () => string } {
  let text = ''
  const stream = new PassThrough()
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { stream, text: () => text }
}

export function makeProgram(env: Record<string, string> = {}): Program {
  const folder = makeTemporaryFolder()
  const home = folder.path
  return {
    home,
    async run(...args) {
      const [stdout, stderr] = [collect(), collect()]
      const code = await runCommandLine({
        args,
        env: { PATH: process.env['PATH'], HOME: home, ...env },
        cwd: home,
        streams: { stdin: new PassThrough(), stdout: stdout.stream, stderr: stderr.stream },
        entry: 'none',
        compose: composeHost,
        signals: { source: new EventEmitter(), exit: () => {} },
      })
      return { code, stdout: stdout.text(), stderr: stderr.text() }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}
