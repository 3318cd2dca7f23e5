/**
 * What of a repository Amp takes for its own: it runs plugins and settings of `.amp` as soon as it starts, before it has even
 * reached its service, and programs that skills name. It has no option to leave that out. So a person is asked first, at each
 * turn in which there is a folder that was not there before: the agent may have made it.
 * Whoever trusts all repositories puts `--trust-repositories` into the `args` of [agents.amp].
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunEnd, Session, SessionIo } from 'troupe/plugin'
import { TRUST } from './command.ts'

const FOLDERS = ['.amp', '.agents', '.claude/skills']
const RUN = 'Run it'

export type Trust =
  /** All that was ever allowed in this session. */
  { readonly allowed: readonly string[] } | { readonly refusal: Extract<RunEnd, { kind: 'error' }> }

/**
 * Whether a turn may begin. Whoever allowed a folder is not asked about it again in the session.
 */
export async function askTrust(
  { workDir, settings }: Session,
  io: SessionIo,
  { turn, allowed }: { readonly turn: number; readonly allowed: readonly string[] },
): Promise<Trust> {
  const found = (await findFolders(workDir)).filter((folder) => !allowed.includes(folder))
  if (found.length === 0 || settings.args.includes(TRUST)) return { allowed }
  const answer = await io.ask({
    key: `trust/${turn}`,
    kind: 'permission',
    question: `This repository has ${found.join(', ')}. Amp runs code from there when it starts, without asking. Shall it be run?`,
    options: [{ label: RUN }, { label: 'Do not run it' }],
  })
  if (answer.trim().toLowerCase() === RUN.toLowerCase()) return { allowed: [...allowed, ...found] }
  const message = `Amp was not started: it would run code of this repository (${found.join(', ')}), and that was not allowed. Choose another agent, or retry the task and allow it.`
  return { refusal: { kind: 'error', code: 'AGENT_FAILED', message } }
}

async function findFolders(workDir: string): Promise<string[]> {
  const there = await Promise.all(
    FOLDERS.map((name) =>
      access(join(workDir, name)).then(
        () => [name],
        // One that is not readable is there nevertheless.
        (error: unknown) => (isMissing(error) ? [] : [name]),
      ),
    ),
  )
  return there.flat()
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
