/** Lines that arrived together as few messages. Pure. */
import type { AgentMessage, OutputLine } from 'troupe/plugin'
import { parseMessage, toMessage } from './parse.ts'

/** Well below the size at which Troupe keeps a message's body aside. */
const MOST_CHARACTERS = 16 * 1024

/** Messages that the program speaks itself stay as they are and in their place; other lines are joined. */
export function* toMessages(lines: readonly OutputLine[]): Generator<AgentMessage> {
  let paragraph: OutputLine[] = []
  let characters = 0
  for (const line of lines) {
    const message = parseMessage(line)
    if (paragraph.length > 0 && (message || characters + line.text.length > MOST_CHARACTERS)) {
      yield join(paragraph)
      paragraph = []
      characters = 0
    }
    if (message) {
      yield message
    } else {
      paragraph.push(line)
      characters += line.text.length + 1
    }
  }
  if (paragraph.length > 0) yield join(paragraph)
}

const join = (lines: readonly OutputLine[]): AgentMessage =>
  toMessage(lines[0]?.stream ?? 'stdout', lines.map(({ text }) => text).join('\n'))
