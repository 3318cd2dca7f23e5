/**
 * What Aider prints, as messages. Pure.
 *
 * Its own words and those of the model come one after the other, unmarked. A model can say `Applied edit to x` too; then the log
 * tells of an edit that was none. Nothing depends on it: what was changed is in the diff, and how a turn ended is judged by Aider's
 * own record (see end.ts).
 */
import { bounded } from 'troupe/plugin'
import { type Parsed, type ParsedEvent, type ParseState, inTurn, message } from './state.ts'

/** Aider's words about itself. */
const ABOUT =
  /^(Aider v\d|(?:Main |Weak |Editor )?[Mm]odel: |Git repo: |Repo-map: |Detected dumb terminal|Restored previous conversation|Tokens: .* sent|Update git (?:name|email)|Added .* to the chat|HTTPSConnectionPool|Using \S+ model with API key|Warning: )/
const EDIT = /^Applied edit to (.+)$/
const COMMAND = /^Running (.+)$/
const FAULT = /^litellm\.(\w+): (.*)$/
const RETRY = /^Retrying in [\d.]+ seconds/
const LONGEST_OUTPUT = 256 * 1024

type Line = 'about' | 'edit' | 'command' | 'fault' | 'retry' | 'words'

export function parseText(before: ParseState, text: string): Parsed {
  let state = before
  const events: ParsedEvent[] = []
  let words: string[] = []
  const say = () => {
    const said = speak(state, words)
    events.push(...said.events)
    state = said.state
    words = []
  }
  for (const line of text.split('\n')) {
    const kind = toKind(state, line)
    if (kind === 'words') {
      words.push(line)
      if (line === '') state = inTurn(state, { explaining: false })
      continue
    }
    say()
    const parsed = LINES[kind](state, line)
    events.push(...parsed.events)
    state = parsed.state
  }
  say()
  return { state, events }
}

function toKind({ turn }: ParseState, line: string): Line {
  if (turn.commandsAllowed && COMMAND.test(line)) return 'command'
  if (turn.command) return 'words'
  if (FAULT.test(line)) return 'fault'
  if (RETRY.test(line) && turn.fault) return 'retry'
  if (turn.explaining && line !== '') return 'about'
  if (EDIT.test(line)) return 'edit'
  return ABOUT.test(line) ? 'about' : 'words'
}

const LINES: Record<Exclude<Line, 'words'>, (state: ParseState, line: string) => Parsed> = {
  about: parseAbout,
  edit: parseEdit,
  command: openCommand,
  fault: parseFault,
  retry: (state, line) => {
    const { name = '', text = '' } = state.turn.fault ?? {}
    const code = name === 'RateLimitError' ? 'AGENT_QUOTA' : 'AGENT_API'
    const content = `The model service failed, and Aider tries again: ${text} ${line}`
    return {
      state: inTurn(state, { explaining: false }),
      events: [message({ type: 'error', code, message: content, retryable: true })],
    }
  },
}

/** Words of the model, or of a command that runs. */
function speak(state: ParseState, lines: readonly string[]): Parsed {
  const { command } = state.turn
  const content = lines.join('\n')
  if (command) {
    const output = bounded(`${command.output}${content}\n`, LONGEST_OUTPUT)
    return { state: inTurn(state, { command: { ...command, output } }), events: [] }
  }
  const said = content.replace(/^\n+/, '').trimEnd()
  if (said === '') return { state, events: [] }
  const noModel = state.turn.noModel || said.includes('No LLM model was specified')
  const gaveUp = state.turn.gaveUp || /^Only \d+ reflections allowed, stopping/m.test(said)
  return {
    state: inTurn(state, { words: said, noModel, gaveUp }),
    events: [message({ type: 'text', content: said })],
  }
}

/** The line about the model comes once Aider is ready. */
function parseAbout(before: ParseState, line: string): Parsed {
  const { words } = before.turn
  const version = /^Aider v(\S+)/.exec(line)?.[1]
  const state = version === undefined ? before : { ...before, version }
  const about = message({ type: 'raw', stream: 'stdout', content: line })
  if (line.startsWith('Tokens: '))
    return { state: inTurn(state, { ...(words !== undefined && { reply: words }) }), events: [about] }
  const model = /^(?:Main model|Model): (\S+)/.exec(line)?.[1]
  if (model === undefined || state.started) return { state, events: [about] }
  const { agent, workDir, conversation } = state
  const known = state.version !== undefined && { agentVersion: state.version }
  const start = message({ type: 'start', agent, workDir, agentSessionId: conversation, model, ...known })
  return { state: { ...state, started: true }, events: [about, start] }
}

function parseEdit(state: ParseState, line: string): Parsed {
  const path = EDIT.exec(line)?.[1] ?? ''
  const tool = { toolUseId: `edit-${state.tools}`, toolName: 'edit' }
  return {
    state: { ...state, tools: state.tools + 1 },
    events: [
      message({ type: 'toolUse', ...tool, input: { path }, kind: 'edit' }),
      message({ type: 'toolResult', ...tool, output: line, success: true }),
    ],
  }
}

function openCommand(before: ParseState, line: string): Parsed {
  const { state, events } = closeCommand(before)
  const id = `command-${state.tools}`
  const input = { command: COMMAND.exec(line)?.[1] ?? '' }
  const use = message({ type: 'toolUse', toolUseId: id, toolName: 'command', input, kind: 'command' })
  return {
    state: { ...inTurn(state, { command: { id, output: '' } }), tools: state.tools + 1 },
    events: [...events, use],
  }
}

/** Aider does not say with which code a command ended, so it counts as done. */
export function closeCommand(state: ParseState): Parsed {
  const { command, ...turn } = state.turn
  if (!command) return { state, events: [] }
  const result = { toolUseId: command.id, toolName: 'command', output: command.output.trim(), success: true }
  return { state: { ...state, turn }, events: [message({ type: 'toolResult', ...result })] }
}

function parseFault(state: ParseState, line: string): Parsed {
  const [, name = '', text = ''] = FAULT.exec(line) ?? []
  const about = message({ type: 'raw', stream: 'stdout', content: line })
  return { state: inTurn(state, { fault: { name, text }, explaining: true }), events: [about] }
}
