/** Reads a table of a Markdown document. */

const cells = (line: string): string[] =>
  line
    .replace(/^\s*\||\|\s*$/g, '')
    .split('|')
    .map((cell) => cell.trim())

/**
 * @param header The cells of the first row; they select the table.
 * @returns The rows below it; empty if there is no such table.
 */
export function readMarkdownTable(markdown: string, header: readonly string[]): string[][] {
  const lines = markdown.split('\n')
  const begin = lines.findIndex((line) => line.startsWith('|') && cells(line).join('|') === header.join('|'))
  if (begin === -1) return []
  const body = lines.slice(begin + 2)
  const end = body.findIndex((line) => !line.trimStart().startsWith('|'))
  return body.slice(0, end === -1 ? undefined : end).map(cells)
}
