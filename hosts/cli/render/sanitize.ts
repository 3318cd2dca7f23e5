/**
 * Text of agents and repositories is hostile: escape sequences move the cursor, set the clipboard or the window's title,
 * control and direction characters hide what a line says. Everything that is shown passes through here.
 */
import { stripVTControlCharacters } from 'node:util'

const ESC = String.fromCodePoint(0x1b)
const BEL = String.fromCodePoint(0x07)
/** Sequences with a text of their own (OSC, DCS, PM, APC, SOS), which `stripVTControlCharacters` leaves in parts. */
const STRINGS = new RegExp(`${ESC}[\\]PX^_][^${ESC}${BEL}]{0,4096}(?:${BEL}|${ESC}\\\\|(?=${ESC}|$))`, 'g')
/** Characters that reorder what stands beside them. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const TAB = '    '

/** Keeps line ends; tabs become spaces, so that widths are known. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text.toWellFormed().replaceAll(STRINGS, ''))
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll('\t', TAB)
    .replaceAll(DIRECTION, '')
    .replaceAll(/[^\P{Cc}\n]/gu, '')
}

/**
 * JSON that a terminal may show as it is: JSON itself escapes only the oldest control characters.
 * @param indent Spaces a level; without it, one line.
 */
export const plainJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent)
    .replaceAll(DIRECTION, escape)
    .replaceAll(/[\u007f-\u009f\u2028\u2029]/g, escape)

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line: line ends become spaces. */
export const plainLine = (text: string): string =>
  plainText(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')
