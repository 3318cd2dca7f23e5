/**
 * Keeps the table of docs/agents.md true. The row of an agent is written anew by each run that looked at all of its abilities, so
 * a run of a few tests, or on a machine without the program, changes nothing. In CI a row that would change fails the run instead.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { ABILITIES, type Ability, NOT_OFFERED } from './abilities.ts'
import { agentsPage, PAGE, readRows, type Row } from './agents-page.ts'

/** Per agent, what a run has shown: false when one of the tests failed. */
type Shown = Map<string, Map<Ability, boolean>>

function collect(modules: readonly TestModule[]): Shown {
  const shown: Shown = new Map()
  for (const test of modules.flatMap((module) => [...module.children.allTests()])) addTest(shown, test)
  return shown
}

function addTest(shown: Shown, test: TestCase): void {
  const { shows } = test.meta()
  const { state } = test.result()
  if (!shows || state === 'skipped' || state === 'pending') return
  const ofAgent = shown.get(shows.agent) ?? new Map<Ability, boolean>()
  for (const ability of shows.abilities) ofAgent.set(ability, (ofAgent.get(ability) ?? true) && state === 'passed')
  shown.set(shows.agent, ofAgent)
}

/** Undefined unless the run looked at every ability of the agent. */
function toRow(agent: string, shown: ReadonlyMap<Ability, boolean>): Row | undefined {
  const cells = ABILITIES.flatMap((ability) => {
    if (NOT_OFFERED[agent]?.[ability] !== undefined) return ['-']
    const passed = shown.get(ability)
    return passed === undefined ? [] : [passed ? 'pass' : 'fail']
  })
  return cells.length === ABILITIES.length ? { agent, cells } : undefined
}

export class AbilityReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const before = await readFile(PAGE, 'utf8').catch(() => '')
    const rows = readRows(before)
    const seen = [...collect(modules)].flatMap(([agent, shown]) => toRow(agent, shown) ?? [])
    const others = rows.filter(({ agent }) => !seen.some((row) => row.agent === agent))
    const after = await agentsPage([...others, ...seen])
    if (after === before) return
    if (!process.env['CI']) return writeFile(PAGE, after)
    process.stdout.write(
      'docs/agents.md is not what this run has shown. Run the tests without CI and commit what they write.\n',
    )
    process.exitCode = 1
  }
}
