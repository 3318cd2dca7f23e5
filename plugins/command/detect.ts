/** Looks for the program that runs the prompt. */
import type { DetectIo, Detection } from 'troupe/plugin'
import { SHELL } from './command.ts'

export async function detect(io: DetectIo): Promise<Detection> {
  const wanted = io.settings.program ?? SHELL
  const program = await io.find(wanted)
  if (program !== undefined) return { installed: true, program, signedIn: 'yes' }
  return {
    installed: false,
    signedIn: 'unknown',
    hint: `There is no program "${wanted}"; set [agents.command] program to one that can be run.`,
  }
}
