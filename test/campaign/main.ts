/**
 * `npm run campaign -- --seed N --minutes M [--players P] [--no-claude] [--no-engines] [--json]`: a random campaign on one
 * host, then several engines on one PostgreSQL. Exit code 1 when something did not hold. The seed replays the decisions;
 * the moments at which they take effect differ.
 */
import { parseArgs } from 'node:util'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { claudeCodeProbe } from '../helpers/agent-programs.ts'
import { runCampaign } from './campaign.ts'
import { claudeScripts } from './claude-life.ts'
import { runEngines } from './engines.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    players: { type: 'string', default: '4' },
    claude: { type: 'boolean', default: true },
    engines: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
  },
  allowNegative: true,
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const tell = (text: string) => void process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
tell(`seed ${seed}`)
const minutes = Number(values.minutes)
const missing = values.claude ? await claudeCodeProbe() : 'not wanted'
if (missing !== undefined) tell(`without Claude Code: ${missing}`)
await using model = missing === undefined ? await startModelServer({ scripts: claudeScripts }) : undefined
const summary = await runCampaign({
  seed,
  durationMs: minutes * 60_000,
  players: Number(values.players),
  claudeUrl: model?.url,
  tell,
})
const { violations, ...counts } = summary
if (values.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
else {
  for (const [name, value] of Object.entries(counts)) {
    process.stdout.write(`${name.padEnd(16)}${typeof value === 'object' ? JSON.stringify(value) : value}\n`)
  }
  process.stdout.write(`${'violations'.padEnd(16)}${violations.length}\n`)
  for (const violation of violations) process.stdout.write(`- ${violation}\n`)
}
const engines = values.engines ? runEngines({ seed, minutes, tell }) : true
process.exitCode = violations.length > 0 || !engines ? 1 : 0
