/** A short campaign with a fixed seed; `npm run campaign -- --seed N --minutes M` runs longer ones. */
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'

test('nothing is lost, doubled or left behind in a random campaign of kills, stops and faults', async () => {
  const summary = await runCampaign({ seed: 7, durationMs: 15_000, players: 3 })
  expect(summary.violations).toEqual([])
  expect(summary.starts).toBeGreaterThan(1)
  expect(summary.messages).toBeGreaterThan(0)
})
