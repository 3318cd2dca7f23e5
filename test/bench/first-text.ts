/** From a prompt to the first text of its agent, against the same agent started barely. The worktree is there already. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { claudeSetup, giveClaude, isText, makeBarePlace, startBareClaude } from './runner/claude.ts'
import { openBenchHost } from './runner/host.ts'
import { openRepeater } from './runner/repeater.ts'
import { atMost, type Row } from './runner/row.ts'
import { alternate, timed } from './runner/statistics.ts'

const PAIRS = 17
const PROMPT = 'Please greet.'
const ECHO = 'echo Hello.'

export async function benchTrivialAgent(): Promise<Row[]> {
  await using host = await openBenchHost()
  await using own = await openRepeater(host.troupe.client, {
    repository: host.repository,
    agent: 'command',
    prompt: ECHO,
  })
  const times = await alternate({ rounds: PAIRS, warmups: 4 }, own.firstText, bareEcho)
  return [
    {
      name: 'prompt to first text, a trivial agent',
      unit: 'ms',
      ...times,
      goals: [atMost('difference', 10)],
      how: `${PAIRS} alternating pairs with \`${ECHO}\`: the call that starts a session in its worktree to the message at the client, against spawning the shell`,
    },
  ]
}

export async function benchClaudeCode(): Promise<Row[]> {
  await using server = await startModelServer({ script: [{ reply: [{ text: 'Hello.' }], times: 'always' }] })
  const setup = await claudeSetup(server.url)
  await using host = await openBenchHost()
  host.troupe.configure(giveClaude(host.troupe, setup))
  await host.troupe.stop()
  await host.troupe.start()
  await using own = await openRepeater(host.troupe.client, {
    repository: host.repository,
    agent: 'claude-code',
    prompt: PROMPT,
  })
  const place = await makeBarePlace(host.repository, mkdtempSync(join(host.troupe.lab.folder, 'bare-')))
  const bare = async () => {
    const begin = performance.now()
    await using claude = startBareClaude(setup, place)
    claude.say(PROMPT)
    await claude.next(isText)
    return performance.now() - begin
  }
  const times = await alternate({ rounds: PAIRS, warmups: 3 }, own.firstText, bare)
  return [
    {
      name: 'prompt to first text, Claude Code',
      unit: 'ms',
      ...times,
      goals: [atMost('difference', 20), atMost('ratio', 1.05)],
      how: `${PAIRS} alternating pairs, scripted model: the call that starts a session in its worktree to the message at the client, against \`claude -p\` with the same flags, in a worktree too, and its prompt on stdin`,
    },
  ]
}

function bareEcho(): Promise<number> {
  return timed(async () => {
    const child = spawn('sh', ['-c', ECHO], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
  })
}
