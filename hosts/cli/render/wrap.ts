/** Breaks plain text into lines of a width. */
import { displayWidth, takeWidth } from './width.ts'

/** Lines of at most `width` columns; indentation is kept, also for the lines that a long line is broken into. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line.trimEnd(), Math.max(width, 10)))
}

/** Longer ones are no prose, and measuring them word by word would take as long as they are wide. */
const LONGEST_LINE = 10_000

function wrapLine(full: string, width: number): string[] {
  const line = full.length > LONGEST_LINE ? `${full.slice(0, LONGEST_LINE).trimEnd()} …` : full
  if (displayWidth(line) <= width) return [line]
  const indent = hangingIndent(line).slice(0, width >> 1)
  const lines: string[] = []
  let current = ''
  for (const word of line.split(/(?<=\S) +/)) {
    const joined = current === '' ? word : `${current} ${word}`
    if (displayWidth(joined) <= width) current = joined
    else {
      if (current.trim() !== '') lines.push(current)
      current = lines.length === 0 ? word : indent + word.trimStart()
      while (displayWidth(current) > width) {
        const head = takeWidth(current, width)
        lines.push(head)
        current = indent + current.slice(head.length)
      }
    }
  }
  return current.trim() === '' ? lines : [...lines, current]
}

/** Under a list item's text rather than its mark. */
const hangingIndent = (line: string): string => ' '.repeat(/^ *(?:[-*•] |\d{1,3}[.)] )?/.exec(line)?.[0].length ?? 0)
