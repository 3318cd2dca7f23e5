/** Programs that misbehave, written into a folder of the check. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the programs print to be found again. */
export const WORDS = 'the-words-of-the-program'

const LINE_BYTES = 8 * 1024 * 1024

/** Bodies of shell scripts. None reads its input or looks at its arguments. */
const toScripts = (longestLine: number) => ({
  silent: 'exit 0',
  failing: `echo "It cannot go on: ${WORDS}." >&2; exit 3`,
  killed: 'kill -9 $$',
  hanging: "trap '' INT HUP; while :; do sleep 1; done",
  noise: [
    'head -c 20000 /dev/urandom; echo',
    String.raw`printf 'half a character: \342\202\n\377\376\000\n'`,
    `printf '%s\\n' '{"type":"text","content":' '{"type":"${WORDS}","id":7,"method":"${WORDS}","params":[{}]}' '[]' 'null' '{}'`,
    `printf '%s\\n' '${WORDS}, but no JSON'`,
    `printf 'and no end of the line'; exit 1`,
  ].join('\n'),
  oversize: [
    'filler() { head -c "$1" /dev/zero | tr "\\0" x; }',
    `filler ${longestLine}; echo`,
    `for line in 1 2; do printf '{"type":"filler","filler":"'; filler ${LINE_BYTES - 100}; printf '"}\\n'; done`,
    'exit 1',
  ].join('\n'),
})

export type ProgramName = keyof ReturnType<typeof toScripts>

/** Writes them all; gives the path of each. @param longestLine In bytes. */
export async function writePrograms(
  folder: string,
  longestLine: number,
): Promise<Readonly<Record<ProgramName, string>>> {
  await mkdir(folder, { recursive: true })
  const paths = Object.entries(toScripts(longestLine)).map(async ([name, script]) => [
    name,
    await writeScript(folder, name, script),
  ])
  return Object.fromEntries(await Promise.all(paths))
}

/** A program that runs `file`, by this Node when it is JavaScript or TypeScript, so that it need not be executable. */
export function writeLauncher(folder: string, name: string, file: string): Promise<string> {
  const node = /\.[cm]?[jt]s$/.test(file) ? `${quote(process.execPath)} ` : ''
  return writeScript(folder, name, `exec ${node}${quote(file)} "$@"`)
}

async function writeScript(folder: string, name: string, script: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
