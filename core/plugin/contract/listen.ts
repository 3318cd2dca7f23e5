/** Listening in a session of one program: to the program, to people, and for the order to stop. */
import type { RunEnd } from './agent.ts'
import type { AgentProcess, Exit, FollowUp, OutputLine, SessionIo } from './io.ts'

/** Who speaks with the program. One call at a time of each kind; what may take its time returns a promise. */
export interface Listener {
  /** First of all: says what is to be said, and waits for what is due. */
  begin(): void
  hear(line: OutputLine): void | Promise<void>
  /** What people say. The next one comes when this has settled, which acknowledges it. */
  follow(followUp: FollowUp): void | Promise<void>
  /** The session shall stop. */
  stop(): void
  /** The program has ended, and all that it printed was heard. */
  finish(exit: Exit): RunEnd | Promise<RunEnd>
  /** Last of all, however it came to that: nothing is waited for any more. */
  release(): void
}

/** Tells the listener whatever happens until the program has ended, and settles with what it makes of that. */
export async function listen(io: SessionIo, process: AgentProcess, listener: Listener): Promise<RunEnd> {
  const followUps = io.followUps[Symbol.asyncIterator]()
  const stop = () => listener.stop()
  io.signal.addEventListener('abort', stop, { once: true })
  try {
    listener.begin()
    if (io.signal.aborted) stop()
    void forward(followUps, listener).catch((error: unknown) => io.debug(`No more follow-ups: ${String(error)}`))
    for await (const line of process.lines) await listener.hear(line)
    return await listener.finish(await process.exited)
  } finally {
    io.signal.removeEventListener('abort', stop)
    listener.release()
    void followUps.return?.()
  }
}

async function forward(followUps: AsyncIterator<FollowUp>, listener: Listener): Promise<void> {
  for (let next = await followUps.next(); !next.done; next = await followUps.next()) await listener.follow(next.value)
}
