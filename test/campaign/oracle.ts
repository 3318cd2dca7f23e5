/**
 * What must hold of every task at any time, and more of one at rest: the log of each session against the ledger that its
 * agent kept. Gives sentences about what does not hold; none is good.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AgentSession } from '../../core/contract/records.ts'
import type { Message } from '../../core/contract/messages.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { keptFiles, SECRET, type World } from './world.ts'

const PAGE = 1000
const isOver = ({ outcome }: AgentSession): boolean => outcome !== undefined

export interface CheckedTask {
  readonly sessions: readonly AgentSession[]
  readonly messages: number
  readonly violations: readonly string[]
}

export async function readLog(client: Client, sessionId: string): Promise<Message[]> {
  const messages: Message[] = []
  for (;;) {
    const after = messages.at(-1)?.seq ?? 0
    const page = await client.call('getExecutionLogs', { sessionId, after, limit: PAGE })
    messages.push(...page.messages)
    if (page.messages.length === 0) return messages
  }
}

/** @param accepted tokens of messages and prompts that the host has accepted for this task. */
export async function checkTask(
  world: World,
  agentTaskId: string,
  accepted: readonly string[] = [],
): Promise<CheckedTask> {
  const { client } = world.host
  const { sessions } = (await client.call('getAgentTask', { id: agentTaskId })).agentTask
  const violations: string[] = []
  let messages = 0
  for (const session of sessions) {
    const log = await readLog(client, session.id)
    messages += log.length
    const ledger = world.ledger(session.id)
    const faults = [
      ...checkNumbers(log),
      ...checkEnds(session, log),
      ...checkSayings(session, log, ledger),
      ...checkSteps(session, log),
    ]
    violations.push(...faults.map((fault) => `session ${session.id} (${session.outcome ?? session.status}): ${fault}`))
  }
  violations.push(...checkHeard(world, sessions, accepted))
  return { sessions, messages, violations }
}

/** L1 */
function checkNumbers(log: readonly Message[]): string[] {
  const wrong = log.findIndex(({ seq }, index) => seq !== index + 1)
  return wrong < 0 ? [] : [`message ${wrong + 1} has the number ${log[wrong]?.seq}`]
}

/** A log begins once, is closed once, and nothing follows. */
function checkEnds(session: AgentSession, log: readonly Message[]): string[] {
  const faults: string[] = []
  if (log.length > 0 && log[0]?.type !== 'start') faults.push(`it begins with ${log[0]?.type}`)
  // The host writes one itself when a person says something before the agent does.
  const starts = log.filter((message) => message.type === 'start' && message.agentSessionId !== undefined).length
  if (starts > 1) faults.push(`the agent began ${starts} times`)
  const closings = log.flatMap(({ type }, index) => (type === 'complete' || type === 'error' ? [index] : []))
  if (isOver(session) && closings.length !== 1) faults.push(`it is closed ${closings.length} times`)
  if (closings.some((index) => index !== log.length - 1)) faults.push('something follows its closing message')
  return faults
}

/** What the agent said is in the log once and in order: all of it when it ended by itself, else a beginning of it. */
function checkSayings(session: AgentSession, log: readonly Message[], ledger: readonly string[]): string[] {
  const logged = log.flatMap((message) => (message.type === 'text' ? [message.content] : [])).filter(isSaying)
  const said = ledger.filter(isSaying)
  const wrong = logged.findIndex((text, index) => text !== said[index])
  if (wrong >= 0) {
    const near = logged.slice(Math.max(wrong - 1, 0), wrong + 2).join(' | ')
    return [`the log has "${near}" where the agent said "${said[wrong] ?? 'nothing more'}"`]
  }
  if (session.outcome !== 'completed' || logged.length === said.length) return []
  return [`the log has ${logged.length} of ${said.length} lines of an agent that ended by itself`]
}

/** Claude's script says each step once; `Again` when a session begins anew. */
function checkSteps(session: AgentSession, log: readonly Message[]): string[] {
  const steps = log.flatMap((message) => (message.type === 'text' ? [message.content] : [])).filter(isStep)
  const twice = steps.filter((step, index) => steps.indexOf(step) !== index)
  if (twice.length > 0) return [`Claude said ${twice.join(', ')} twice`]
  const whole = steps.at(-1) === 'Step 3'
  return session.agent === 'claude-code' && session.outcome === 'completed' && !whole
    ? [`Claude ended well, but the log has ${steps.join(', ')}`]
    : []
}

const isStep = (text: string): boolean => /^(Step \d|Again)$/.test(text)
const isSaying = (line: string): boolean => /^(line|answered|wrote) /.test(line)

/** What was accepted is heard: once, or once more after a session that did not get to confirm it before its end. */
function checkHeard(world: World, sessions: readonly AgentSession[], accepted: readonly string[]): string[] {
  const resting = sessions.every(isOver) && sessions.at(-1)?.outcome === 'completed'
  const cutOff = sessions.filter(({ outcome }) => outcome !== 'completed').length
  const heard = sessions.map(({ id }) => world.ledger(id).flatMap((line) => /^heard (.*)$/.exec(line)?.[1] ?? []))
  return accepted.flatMap((token) => {
    const times = heard.map((tokens) => tokens.filter((each) => each === token).length)
    const sum = times.reduce((total, each) => total + each, 0)
    if (times.some((each) => each > 1)) return [`"${token}" was heard twice in one session`]
    if (resting && sum === 0) return [`"${token}" was accepted and never heard`]
    return sum > 1 + cutOff ? [`"${token}" was heard ${sum} times, with ${cutOff} sessions cut off`] : []
  })
}

function openDatabase(world: World): DatabaseSync {
  return new DatabaseSync(join(world.home, 'troupe.db'), { readOnly: true, timeout: 5000 })
}

/** Effects that are yet to run. */
export function countEffects(world: World): number {
  using database = openDatabase(world)
  return Number(database.prepare('select count(*) as count from effect').get()?.['count'])
}

/** The database is whole, nothing is left to be done, and no secret is in it or in a log. For a host that is idle or ended. */
export function checkStore(world: World, { idle }: { readonly idle: boolean }): string[] {
  const faults: string[] = []
  using database = openDatabase(world)
  const [integrity] = database.prepare('pragma integrity_check').all()
  if (integrity?.['integrity_check'] !== 'ok') faults.push(`the database: ${JSON.stringify(integrity)}`)
  const strangers = database.prepare('pragma foreign_key_check').all()
  if (strangers.length > 0) faults.push(`the database: ${strangers.length} rows refer to none`)
  const effects = database.prepare('select type from effect').all()
  if (idle && effects.length > 0) faults.push(`effects that nobody has run: ${JSON.stringify(effects)}`)
  const leaks = keptFiles(world.home).filter((file) => readFileSync(file).includes(SECRET))
  return [...faults, ...leaks.map((file) => `${file} has a secret`)]
}
