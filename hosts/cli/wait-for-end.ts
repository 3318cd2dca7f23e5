/** What a command does that is a host: it waits until it is told to end, and finds out what becomes of agents at work. */
import { once } from 'node:events'
import type { SessionsAtEnd } from '../config.ts'
import type { CommandContext } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { askAtEnd } from './follow/prompts.ts'
import type { OwnHost } from './own-host.ts'
import { isInteractive } from './streams.ts'

/**
 * Settles when a signal, or the person at the terminal, asks for the end.
 * @param atEnd what becomes of agents at work; default: the person is asked, without a terminal the configuration
 */
export async function waitForEnd(
  context: CommandContext,
  host: Pick<OwnHost, 'client' | 'atEnd'>,
  atEnd?: SessionsAtEnd,
): Promise<typeof EXIT.done> {
  const { output, shutdown, signal, streams } = context
  const ending = new AbortController()
  if (atEnd) host.atEnd(atEnd)
  using _asks = isInteractive(streams) && !atEnd ? askAtInterrupt(context, host, ending) : undefined
  const ended = AbortSignal.any([signal, ending.signal])
  if (!ended.aborted) await once(ended, 'abort')
  if (shutdown.cause || ending.signal.aborted) output.notice('Ending ...')
  return EXIT.done
}

/** A second Ctrl-C while it asks, or when it cannot, ends the host as configured. */
function askAtInterrupt(
  context: CommandContext,
  host: Pick<OwnHost, 'client' | 'atEnd'>,
  ending: AbortController,
): Disposable {
  let asking = false
  async function ask(): Promise<void> {
    const { tasks } = await host.client.call('listUnitTasks', { status: ['in_progress'], limit: 500 })
    const choice = tasks.length === 0 ? 'configured' : await askAtEnd(tasks.length, context)
    if (choice === 'continue') return void (asking = false)
    if (choice !== 'configured') host.atEnd(choice)
    ending.abort()
  }
  return context.shutdown.onInterrupt(() => {
    if (asking) return ending.abort()
    asking = true
    ask().catch(() => ending.abort())
  })
}
