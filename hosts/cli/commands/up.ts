/** `troupe up`: the one-process host. */
import type { Command } from 'commander'
import { type SessionsAtEnd, sessionsAtEnd } from '../../config.ts'
import { type Run, addCommand, choice, wholeNumber } from '../command.ts'
import type { CommandContext } from '../context.ts'
import { type OwnHost, type PortChoice, openOwnHost } from '../own-host.ts'
import { waitForEnd } from '../wait-for-end.ts'

const DEFAULT_PORT = 7870

export function addUpCommand(program: Command, run: Run): void {
  const command = addCommand(program, 'up', {
    summary: 'Start the host, which does the work and answers all other commands',
    details: `Listens on a loopback port (${DEFAULT_PORT}, or another one if that is taken) and on a socket in the data directory. Ends
with Ctrl-C; when agents are at work then, it asks whether to end them (their tasks go on with the next host) or to leave them
at work for the next host. Without a terminal --at-end says it, or [shutdown] sessions in the configuration.
The bare command \`troupe\` does the same.`,
    examples: ['troupe up', 'troupe up --port 9000', 'troupe up --at-end leave'],
  })
    .option('--port <number>', 'the loopback port; 0 takes any free one', wholeNumber(0, 65_535))
    .addOption(choice('--at-end <what>', 'what becomes of agents at work when the host ends', sessionsAtEnd.options))
    .action(({ port, atEnd }: { port?: number; atEnd?: SessionsAtEnd }) =>
      run(command, async (context) => {
        await using host = await openServingHost(context, port)
        showAddress(context, host)
        return await waitForEnd(context, host, atEnd)
      }),
    )
}

/** @param port that one and no other; default: the usual one, or any if that is taken */
export async function openServingHost(context: CommandContext, port?: number): Promise<OwnHost> {
  const door: PortChoice = port === undefined ? { port: defaultPort(context), or: 'any' } : { port, or: 'fail' }
  return openOwnHost({
    compose: context.compose,
    dataDirectory: await context.dataDirectory(),
    env: context.env,
    ...(context.verbose && { diagnostics: context.streams.stderr }),
    port: door,
    startsSessions: true,
  })
}

const defaultPort = ({ env }: CommandContext): number => {
  const port = Number(env['TROUPE_PORT'] || DEFAULT_PORT)
  return Number.isInteger(port) && port >= 0 && port < 65_536 ? port : DEFAULT_PORT
}

/** The address lets whoever has it in: it is printed for the person at the terminal, and only there. */
export function showAddress({ output }: CommandContext, { url, token }: OwnHost): void {
  const address = `${url}/?token=${token}`
  output.record({ type: 'host', url, token, pid: process.pid })
  output.lines([
    `Troupe is running at ${output.style.paint(['bold', 'cyan'], address)}`,
    output.style.paint('dim', 'Anyone with this address can use it. Ctrl-C ends it.'),
  ])
}
