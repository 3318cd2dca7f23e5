/** docs/agents.md is about the agents that are bundled, and about the programs that the tests run. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ABILITIES, NOT_OFFERED } from '../helpers/abilities.ts'
import { AGENT_PACKAGES } from '../helpers/agent-versions.ts'
import { agentsPage, bundledAgents, PAGE, readRows } from '../helpers/agents-page.ts'

const page = readFileSync(PAGE, 'utf8')

it('has a row for each bundled agent, and every ability was shown or is not offered', () => {
  const rows = readRows(page)
  expect(rows.map(({ agent }) => agent)).toEqual([...bundledAgents().keys()])
  for (const { agent, cells } of rows) {
    const expected = ABILITIES.map((ability) => (NOT_OFFERED[agent]?.[ability] === undefined ? 'pass' : '-'))
    expect({ agent, cells }).toEqual({ agent, cells: expected })
  }
})

it('is what the tests would write of its own rows', async () => {
  expect(await agentsPage(readRows(page))).toBe(page)
})

it('names the versions that the tests run', () => {
  const versions: Readonly<Record<string, { version: string }>> = AGENT_PACKAGES
  for (const [agent, { provenWith }] of bundledAgents())
    expect(provenWith ?? '').toContain(versions[agent]?.version ?? '')
})
