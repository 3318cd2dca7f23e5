/**
 * What of a repository Amp takes for its own: it runs plugins and settings of `.amp` as soon as it starts, before it has even
 * reached its service, and programs that skills name. It has no option to leave that out. So a person is asked first.
 * Whoever trusts all repositories puts `--trust-repositories` into the `args` of [agents.amp].
 * Not closed: what the agent itself writes there takes effect at its next turn.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunEnd, Session, SessionIo } from 'troupe/plugin'
import { TRUST } from './command.ts'

const FOLDERS = ['.amp', '.agents', '.claude/skills']
const RUN = 'Run it'

/** Undefined when Amp may be started. */
export async function refusalOf(
  session: Session,
  io: SessionIo,
): Promise<Extract<RunEnd, { kind: 'error' }> | undefined> {
  const found = await findFolders(session.workDir)
  if (found.length === 0 || session.settings.args.includes(TRUST)) return undefined
  const answer = await io.ask({
    key: 'trust',
    kind: 'permission',
    question: `This repository has ${found.join(', ')}. Amp runs code from there when it starts, without asking. Shall it be run?`,
    options: [{ label: RUN }, { label: 'Do not run it' }],
  })
  if (answer.trim().toLowerCase() === RUN.toLowerCase()) return undefined
  const message = `Amp was not started: it would run code of this repository (${found.join(', ')}), and that was not allowed. Choose another agent, or retry the task and allow it.`
  return { kind: 'error', code: 'AGENT_FAILED', message }
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
