/** How many columns a text takes in a terminal. Texts are plain: no escape sequences (see sanitize.ts). */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u
const INVISIBLE = /^[\p{M}\p{Cf}]+$/u
const ASCII = /^[ -~]*$/

export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** Cuts at a width; what was cut ends in `…`. */
export function truncate(text: string, width: number): string {
  // No text is that dense: a huge one need not be measured to its end.
  const near = text.slice(0, Math.max(width, 0) * 16 + 16)
  if (near.length === text.length && displayWidth(text) <= width) return text
  return width < 1 ? '' : `${takeWidth(near, width - 1)}…`
}

/** The longest beginning that fits. */
export function takeWidth(text: string, width: number): string {
  let taken = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width) break
    taken += segment
  }
  return taken
}

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0
  return WIDE.test(grapheme) ? 2 : 1
}
