/** `troupe task logs --search`: what of the logs of a task holds a text. */
import type { Client } from '../../../../core/rpc/client/index.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT, type ExitCode } from '../../exit-codes.ts'
import { plainLine } from '../../render/sanitize.ts'
import { matchLines } from '../../render/matches.ts'

export interface LogSearch {
  readonly sessionIds: readonly string[]
  readonly text: string
}

export async function searchLogs(context: CommandContext, client: Client, search: LogSearch): Promise<ExitCode> {
  let found = 0
  for (const sessionId of search.sessionIds) found += await searchSession(context, client, { ...search, sessionId })
  if (found === 0) context.output.notice(`Nothing in the log holds "${plainLine(search.text)}".`)
  return EXIT.done
}

/** Gives the number of messages found. */
async function searchSession(
  { output, signal }: CommandContext,
  client: Client,
  { sessionId, text }: { readonly sessionId: string; readonly text: string },
): Promise<number> {
  for (let [after, found] = [0, 0]; ;) {
    const page = await client.call('searchExecutionLogs', { sessionId, text, after }, { signal })
    if (output.json) page.messages.forEach((message) => output.record(message))
    else output.lines(page.messages.flatMap((message) => matchLines(message, text, output.style)))
    await output.drained(signal)
    found += page.messages.length
    after = page.after
    if (page.complete) return found
  }
}
