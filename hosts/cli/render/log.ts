/** Messages of one session as lines for a terminal: a bounded number for each, whatever is in it. */
import type { Message, Usage } from '../../../core/contract/messages.ts'
import { firstLines, withoutBlankEnds } from './bounded.ts'
import { cost, count, duration } from './format.ts'
import { questionLines } from './question.ts'
import { plainLine, plainText } from './sanitize.ts'
import { type Style, proseWidth } from './style.ts'
import { makeToolFold } from './tool-fold.ts'
import { describeTool } from './tool.ts'
import { truncate } from './width.ts'
import { wrap } from './wrap.ts'

export interface LogRenderer {
  lines(message: Message): string[]
  /** Tool calls that never got a result; the session is over. */
  finish(): string[]
  /** What the agent does now, on one line. */
  activity(): string
}

type Of<Type extends Message['type']> = Extract<Message, { type: Type }>

const MOST = { text: 200, prompt: 12, raw: 4, summary: 40, error: 20 } as const

/** @param answerWith gives the command that answers a question; without it a question is shown alone */
export function makeLogRenderer(style: Style, answerWith?: () => string): LogRenderer {
  let workDir = ''
  let lastText = ''
  let waiting = false
  let afterText = false
  const tools = makeToolFold(style, () => workDir)

  function lines(message: Message): string[] {
    if (message.type === 'start') workDir = message.workDir
    if (message.type === 'text') lastText = message.content.trim()
    waiting = message.type === 'userQuestion'
    const shown = linesOf(message)
    if (shown.length > 0) afterText = message.type === 'text'
    return shown
  }

  function activity(): string {
    const use = tools.current()
    if (waiting || !use) return waiting ? 'waiting for an answer' : 'thinking'
    const { label, subject } = describeTool(use, workDir)
    return `${label} ${subject}`.trim()
  }

  function linesOf(message: Message): string[] {
    switch (message.type) {
      case 'toolUse':
        return tools.begin(message)
      case 'toolResult':
        return tools.end(message)
      case 'text':
        // One line after the other belongs together; after anything else it begins a paragraph.
        return [...(afterText ? [] : ['']), ...prose(message, style)]
      case 'userQuestion':
        if (message.kind === 'question') tools.asked()
        return ['', ...questionLines(message, style, answerWith?.())]
      case 'complete':
        return [...tools.finish(), '', ...completeLines(message, lastText, style)]
      case 'error':
        return [...tools.finish(), '', ...errorLines(message, style)]
      default:
        return simpleLines(message, style)
    }
  }

  return { lines, finish: () => tools.finish(), activity }
}

/** Messages that look the same whatever came before them. */
function simpleLines(
  message: Of<'start' | 'thinking' | 'userMessage' | 'userAnswer' | 'usage' | 'raw'>,
  style: Style,
): string[] {
  switch (message.type) {
    case 'start':
      return startLines(message, style)
    case 'thinking':
      return thinkingLines(message, style)
    case 'userMessage':
      return ['', ...promptLines(message, style)]
    case 'userAnswer':
      return [`${style.paint('yellow', '↳')} ${truncate(plainLine(message.answer), style.width - 2)}`]
    case 'usage':
      return []
    default:
      return rawLines(message, style)
  }
}

function startLines({ agent, agentVersion, model }: Of<'start'>, style: Style): string[] {
  // The head of the task has named the agent already.
  if (!agentVersion && !model) return []
  const parts = [agentVersion ? `${agent} ${agentVersion}` : agent, ...(model ? [model] : [])]
  return [style.paint('dim', parts.map(plainLine).join(' · '))]
}

function prose(message: Of<'text'>, style: Style): string[] {
  const lines = withoutBlankEnds(wrap(plainText(message.content), proseWidth(style)))
  // Whoever reads from a pipe or a file wants all of it.
  return [...firstLines(lines, style.terminal ? MOST.text : Infinity), ...cutNote(message, style)]
}

/** The log holds a preview of a message over 64 KiB. */
const cutNote = ({ fullBytes }: Message, style: Style): string[] =>
  fullBytes === undefined ? [] : [style.paint('dim', `… the beginning of ${count(fullBytes)} bytes`)]

function thinkingLines({ content }: Of<'thinking'>, style: Style): string[] {
  const line = plainLine(content.slice(0, 2000))
  return line === '' ? [] : [style.paint('dim', `✻ ${truncate(line, proseWidth(style) - 2)}`)]
}

function promptLines({ content }: Of<'userMessage'>, style: Style): string[] {
  const lines = firstLines(withoutBlankEnds(wrap(plainText(content), proseWidth(style) - 2)), MOST.prompt)
  return lines.map((line) => `${style.paint('cyan', '▌')} ${line}`)
}

function rawLines({ stream, content }: Of<'raw'>, style: Style): string[] {
  const lines = firstLines(withoutBlankEnds(plainText(content).split('\n')), MOST.raw)
  return lines.map((line) => style.paint('dim', truncate(`${plainLine(stream)}: ${line}`, style.width)))
}

function completeLines(message: Of<'complete'>, lastText: string, style: Style): string[] {
  const { success, durationMs, usage } = message
  const mark = success ? style.paint('green', '✓') : style.paint('red', '✗')
  const facts = [duration(durationMs), ...usageFacts(usage, message.costUsd ?? usage?.costUsd)]
  const head = `${mark} ${success ? 'Finished' : 'Not done'} ${style.paint('dim', `· ${facts.join(' · ')}`)}`
  const summary = message.summary?.trim() ?? ''
  // Most agents repeat their last words as the summary.
  if (summary === '' || summary === lastText) return [head]
  return [...firstLines(wrap(plainText(summary), proseWidth(style)), MOST.summary), '', head]
}

function usageFacts(usage: Usage | undefined, costUsd: number | undefined): string[] {
  return [
    ...(usage ? [`${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`] : []),
    ...(costUsd === undefined ? [] : [cost(costUsd)]),
  ]
}

function errorLines({ message, code, resetsAt, retryable }: Of<'error'>, style: Style): string[] {
  const [first = '', ...rest] = firstLines(wrap(plainText(message).trim(), proseWidth(style) - 2), MOST.error)
  const facts = [code, resetsAt && `full again at ${plainLine(resetsAt)}`, retryable && 'it can be tried again'].filter(
    Boolean,
  )
  return [
    `${style.paint('red', '✗')} ${style.paint('red', first)}`,
    ...rest.map((line) => `  ${style.paint('red', line)}`),
    ...(facts.length > 0 ? [`  ${style.paint('dim', facts.join(' · '))}`] : []),
  ]
}
