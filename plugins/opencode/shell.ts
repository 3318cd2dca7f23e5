/** The shell that OpenCode starts for a command: that of the user, without what only its server may know. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The variable from which OpenCode's server takes its password. */
export const PASSWORD = 'OPENCODE_SERVER_PASSWORD'
/** OpenCode takes no other from SHELL, and tells them apart by their names. */
const SHELLS = new Set(['bash', 'dash', 'ksh', 'sh', 'zsh'])

/**
 * @param folder Made if it is missing.
 * @param wanted The user's own shell.
 * @returns The path for SHELL.
 */
export function writeShell(folder: string, wanted = ''): string {
  const shell = SHELLS.has(basename(wanted)) ? wanted : existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh'
  const path = join(folder, 'shell', basename(shell))
  mkdirSync(join(folder, 'shell'), { recursive: true, mode: 0o700 })
  const quoted = `'${shell.replaceAll("'", String.raw`'\''`)}'`
  writeFileSync(path, `#!/bin/sh\nunset ${PASSWORD}\nSHELL=${quoted}\nexec "$SHELL" "$@"\n`, { mode: 0o700 })
  return path
}
