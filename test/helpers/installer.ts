/** Runs what installs packages, within bounds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export const INSTALL_MS = 300_000

/** @throws Error with what it printed when it fails, or takes too long. */
export async function runInstaller(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_MS })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-1000)
  })
  const [code]: unknown[] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ${args.at(-1)} ended with ${String(code)}: ${errors.trim()}`)
}
