/** One session: the command is started, its output is logged, its exit code is the outcome. */
import type { AgentProcess, Exit, RunEnd, Session, SessionIo } from 'troupe/plugin'
import { describeCommand, toCommand } from './command.ts'
import { Paragraph } from './paragraph.ts'
import { parseMessage } from './parse.ts'

const TOOL = { toolUseId: 'command', toolName: 'command' }
const MOST_SUMMARY = 500

/** The last lines that say something. */
interface LastWords {
  stdout: string
  stderr: string
}

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  let process: AgentProcess
  try {
    process = await io.spawn(toCommand(session))
  } catch (error) {
    return notStarted(session, error)
  }
  // A process that was found running again has said this before.
  if (session.checkpoint === undefined) await announce(session, io)
  const stop = () => void process.stop().catch((error: unknown) => io.debug(String(error)))
  io.signal.addEventListener('abort', stop)
  if (io.signal.aborted) stop()
  void refuseFollowUps(io)
  const words = await logOutput(process, io)
  const exit = await process.exited
  if (io.signal.aborted) return { kind: 'stopped' }
  await io.emit({ type: 'toolResult', ...TOOL, output: { ...exit }, success: exit.code === 0 })
  return toEnd(exit, words)
}

async function announce(session: Session, io: SessionIo): Promise<void> {
  const command = describeCommand(session.prompt, session.settings)
  await io.emit({ type: 'start', agent: session.agent, workDir: session.workDir })
  await io.emit({ type: 'toolUse', ...TOOL, input: { command }, kind: 'command' })
  io.checkpoint({ started: true })
}

async function logOutput(process: AgentProcess, io: SessionIo): Promise<LastWords> {
  const words: LastWords = { stdout: '', stderr: '' }
  const paragraph = new Paragraph((message) => io.emit(message))
  for await (const line of process.lines) {
    const message = parseMessage(line)
    if (message) {
      await paragraph.end()
      await io.emit(message)
    } else {
      if (line.text.trim()) words[line.stream] = line.text.slice(0, MOST_SUMMARY)
      await paragraph.add(line)
    }
  }
  await paragraph.end()
  return words
}

/** A command line has nobody who would listen. */
async function refuseFollowUps(io: SessionIo): Promise<void> {
  for await (const { content } of io.followUps) {
    const message = `The command agent runs one command, so this was not passed on; request changes later: ${content}`
    await io.emit({ type: 'error', code: 'UNSUPPORTED', message })
  }
}

function toEnd({ code, signal }: Exit, { stdout, stderr }: LastWords): RunEnd {
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
