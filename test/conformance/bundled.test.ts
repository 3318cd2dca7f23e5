/**
 * The plugins that come with Troupe keep the contract: with programs that misbehave in place of their own, and with their own, whose
 * model is scripted. Amp is played by its stand-in, which has no model.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkPlugin } from '../../core/conformance/check-plugin.ts'
import type { PointId } from '../../core/conformance/points.ts'
import { agentProbe } from '../helpers/agent-programs.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { requires } from '../helpers/requirement.ts'
import { STAGES } from './stages.ts'

/** Nobody's model takes a question back. */
const NEVER: readonly PointId[] = ['withdraw']
/** In the order of the report. */
const NOT_SHOWN: Readonly<Record<string, readonly PointId[]>> = {
  // It prints prose and asks for permissions only.
  aider: ['unknown-event', 'question', 'withdraw'],
  // Its events come from a server, which cannot be made to send others.
  opencode: ['unknown-event', 'withdraw'],
  // A shell has no secrets, asks nobody and is no conversation.
  command: ['secrets', 'quota', 'question', 'withdraw', 'follow-up', 'resume'],
}

/**
 * In a process of their own too, as if somebody had installed them; the starter's check and the tutorial do so as well. There a
 * plugin reads its own folder only: `aider` and `amp` look into the worktree, and `gemini-cli` is made of the code of `acp`.
 */
const ALSO_IN_PROCESS = ['acp', 'command', 'codex-cli', 'claude-code']

const plugins = readdirSync(join(repositoryRoot, 'plugins'))

describe('a bundled plugin', () => {
  it('has its program on the stage', () => {
    expect(Object.keys(STAGES).toSorted()).toEqual(plugins.toSorted())
  })
})

for (const [name, { needs, open }] of Object.entries(STAGES)) {
  const describeWithProgram = needs ? await requires(needs, agentProbe(needs)) : describe
  describeWithProgram(`the plugin ${name}`, () => {
    const isolations = ALSO_IN_PROCESS.includes(name) ? (['thread', 'process'] as const) : (['thread'] as const)
    it.each(isolations)('passes every point that its program can show, in a %s', async (isolation) => {
      using opened = await open()
      const { points } = await checkPlugin({
        folder: join(repositoryRoot, 'plugins', name),
        stage: opened.stage,
        isolation,
        longestLine: 20_000_000,
        patienceMs: 60_000,
      })
      expect(points.filter(({ status }) => status === 'failed')).toEqual([])
      expect(points.filter(({ status }) => status === 'not-shown').map(({ id }) => id)).toEqual(
        NOT_SHOWN[name] ?? NEVER,
      )
    })
  })
}
