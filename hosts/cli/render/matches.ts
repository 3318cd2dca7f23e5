/** What a search found, as grep shows it: the lines that hold the text, each with the number of its message. */
import type { Json } from '../../../core/base/json.ts'
import type { Message } from '../../../core/contract/messages.ts'
import { firstLines } from './bounded.ts'
import { plainText } from './sanitize.ts'
import type { Style } from './style.ts'
import { truncate } from './width.ts'

const MOST_LINES = 20

export function matchLines(message: Message, text: string, style: Style): string[] {
  const { sessionId: _s, seq, at: _a, type, ...body } = message
  const label = `#${seq} ${type} `
  const wanted = plainText(text).toLowerCase()
  const lines = textsOf(body).flatMap((part) => plainText(part).split('\n'))
  const found = lines.filter((line) => line.toLowerCase().includes(wanted)).map((line) => line.trim())
  // The text may span lines, or hold what is not shown.
  const shown = found.length > 0 ? firstLines(found, MOST_LINES) : ['…']
  return shown.map((line) => `${style.paint('dim', label)}${truncate(line, style.width - label.length)}`)
}

function textsOf(value: Json | object): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}
