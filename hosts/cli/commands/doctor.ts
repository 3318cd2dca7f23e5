/** `troupe doctor`: what works on this machine, and what to do about what does not. */
import type { Command } from 'commander'
import { type Run, addCommand } from '../command.ts'
import type { CommandContext } from '../context.ts'
import { type Check, attempt, ok } from '../doctor/check.ts'
import { checkDatabase } from '../doctor/database-check.ts'
import { checkEngine } from '../doctor/engine-checks.ts'
import { checkConfig, checkGit, checkHost, checkNode, checkSandboxes } from '../doctor/system-checks.ts'
import { EXIT } from '../exit-codes.ts'
import { plainLine } from '../render/sanitize.ts'
import type { Style } from '../render/style.ts'
import { padEnd } from '../render/width.ts'
import { wrap } from '../render/wrap.ts'

const PORT = 7870

export function addDoctorCommand(program: Command, run: Run): void {
  const command = addCommand(program, 'doctor', {
    summary: 'Look at this machine and say what works and what does not',
    details: 'Ends with code 1 when something fails that Troupe cannot work without.',
    examples: ['troupe doctor', 'troupe doctor --json'],
  }).action(() =>
    run(command, async (context) => {
      const checks = await examine(context)
      const healthy = checks.every(({ state }) => state !== 'fail')
      context.output.result({ ok: healthy, checks }, () => checkLines(checks, context.output.style))
      return healthy ? EXIT.done : EXIT.failed
    }),
  )
}

async function examine(context: CommandContext): Promise<Check[]> {
  const { cwd, env, signal } = context
  const programs = [...checkNode(), ...(await attempt('git', () => checkGit(env, cwd)))]
  const folder = await attempt('data directory', async () => [
    ok('data directory', (await context.dataDirectory()).root),
  ])
  const checks = [...programs, ...folder]
  if (folder.some(({ state }) => state === 'fail')) return checks
  const dataDirectory = await context.dataDirectory()
  const config = await attempt('configuration', () => checkConfig(dataDirectory, env, cwd))
  const host = await attempt('host', () => checkHost(dataDirectory, PORT))
  const database = await attempt('database file', () => checkDatabase(dataDirectory))
  const engine = await attempt('engine', async () => {
    await using connection = await context.connect()
    return await checkEngine(connection.client, signal)
  })
  return [...checks, ...config, ...host, ...database, ...engine, ...checkSandboxes()]
}

const MARKS = { ok: ['✓', 'green'], warn: ['–', 'yellow'], fail: ['✗', 'red'] } as const

export function checkLines(checks: readonly Check[], style: Style): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.flatMap(({ name, state, detail, advice }) => {
    const [mark, colour] = MARKS[state]
    const margin = padEnd('', width + 4)
    const toLines = (text: string) => wrap(plainLine(text), style.width - margin.length)
    const [first = '', ...rest] = toLines(detail)
    return [
      `${style.paint(colour, mark)} ${padEnd(name, width)}  ${first}`,
      ...rest.map((text) => margin + text),
      ...(advice ? toLines(advice) : []).map((text) => margin + style.paint('dim', text)),
    ]
  })
}
