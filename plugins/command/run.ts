/** One session: the command is started, its output is logged, its exit code is the outcome. */
import type { AgentProcess, Exit, RunEnd, Session, SessionIo } from 'troupe/plugin'
import { describeCommand, toCommand } from './command.ts'
import { Memory } from './memory.ts'
import { toMessages } from './paragraph.ts'

const TOOL = { toolUseId: 'command', toolName: 'command' }

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  let process: AgentProcess
  try {
    process = await io.spawn(toCommand(session))
  } catch (error) {
    return notStarted(session, error)
  }
  const memory = new Memory(io, session.checkpoint)
  if (!memory.continued) announce(session, io, memory)
  const stop = () => void process.stop().catch((error: unknown) => io.debug(String(error)))
  io.signal.addEventListener('abort', stop)
  if (io.signal.aborted) stop()
  void refuseFollowUps(io, memory)
  await logOutput(process, io, memory)
  const exit = await process.exited
  logExit(exit, io, memory)
  if (io.signal.aborted) return { kind: 'stopped' }
  return toEnd(exit, memory.now)
}

function announce(session: Session, io: SessionIo, memory: Memory): void {
  const command = describeCommand(session.prompt, session.settings)
  memory.note({})
  void io.emit({ type: 'start', agent: session.agent, workDir: session.workDir })
  void io.emit({ type: 'toolUse', ...TOOL, input: { command }, kind: 'command' })
}

async function logOutput(process: AgentProcess, io: SessionIo, memory: Memory): Promise<void> {
  for await (const lines of process.batches) {
    memory.hear(lines)
    for (const message of toMessages(lines)) void io.emit(message)
  }
}

function logExit(exit: Exit, io: SessionIo, memory: Memory): void {
  if (memory.now.exited) return
  memory.note({ exited: true })
  void io.emit({ type: 'toolResult', ...TOOL, output: { ...exit }, success: exit.code === 0 })
}

/** A command line has nobody who would listen. */
async function refuseFollowUps(io: SessionIo, memory: Memory): Promise<void> {
  for await (const { id, content } of io.followUps) {
    if (memory.now.refused === id) continue
    memory.note({ refused: id })
    const message = `The command agent runs one command, so this was not passed on; request changes later: ${content}`
    void io.emit({ type: 'error', code: 'UNSUPPORTED', message })
  }
}

function toEnd({ code, signal }: Exit, { stdout, stderr }: Memory['now']): RunEnd {
  if (code === 0) return { kind: 'complete', success: true, ...(stdout && { summary: stdout }) }
  const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `exited with code ${code}`
  return { kind: 'error', code: 'AGENT_EXITED', message: `The command ${how}${stderr ? `: ${stderr}` : '.'}` }
}

function notStarted({ settings }: Session, error: unknown): RunEnd {
  const missing = error instanceof Error && 'code' in error && error.code === 'PROCESS_START'
  if (!missing) throw error
  return {
    kind: 'error',
    code: 'AGENT_NOT_INSTALLED',
    message: `${error.message} Set [agents.command] program (now ${settings.program ?? 'sh'}) to one that can be run.`,
  }
}
