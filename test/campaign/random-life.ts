/** A life whose every turn was drawn before it began, so that a seed replays it however the host fares. */
import type { UnitTask } from '../../core/contract/records.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { TaskLife } from './lives.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

interface Fate {
  /** Plans of the sessions: the first one, and one a change. */
  readonly plans: readonly string[]
  /** After so many lines of a session something is said. */
  readonly says: readonly number[]
  /** After so many lines it is stopped, once. */
  readonly stopsAfter: number | undefined
  readonly end: 'merge' | 'reject' | 'delete'
}

function drawPlan(random: Random, name: string): string {
  const steps = [`say ${random.between(1, 30)} ${random.pick(['0', '0', '0.01', '0.05'])}`]
  if (random.chance(0.5)) steps.push(`ask q${name} Which way?`, `say ${random.between(1, 10)} 0.02`)
  if (random.chance(0.2)) steps.push('secret')
  if (random.chance(0.2)) steps.push(`say ${random.between(100, 600)} 0`)
  steps.push(`write ${name}`)
  if (random.chance(0.3)) steps.push('fork')
  return `{{${name}: ${steps.join('; ')}}}`
}

function drawFate(random: Random, name: string): Fate {
  const changes = random.between(0, 2)
  return {
    plans: Array.from({ length: changes + 1 }, (_, index) => drawPlan(random, `${name}p${index}`)),
    says: Array.from({ length: random.between(0, 3) }, () => random.between(0, 20)).toSorted((a, b) => a - b),
    stopsAfter: random.chance(0.2) ? random.between(1, 15) : undefined,
    end: random.pick(['merge', 'merge', 'merge', 'reject', 'delete']),
  }
}

/** What a task may fail with that a person can make good with a retry. */
const MENDABLE = new Set(['SESSION_LOST', 'AGENT_EXITED', 'TIMEOUT'])

export class RandomLife extends TaskLife {
  readonly #name: string
  readonly #fate: Fate
  #plan = 0
  #said = 0
  #stopped = false
  #deleting = false

  constructor(world: World, name: string, random: Random) {
    const fate = drawFate(random, name)
    super(world, `The life of ${name}`, `Work. [[${name}prompt]] ${fate.plans[0]}`)
    this.#name = name
    this.#fate = fate
  }

  protected override endsWithout(): boolean {
    return this.#deleting
  }

  protected async next(client: Client, task: UnitTask): Promise<boolean> {
    const { id, status } = task
    if (status === 'in_progress') await this.#attend(client, task)
    else if (status === 'queued') await this.#answer(client, task)
    else if (status === 'stopped') await client.call('retryUnitTask', { id })
    else if (status === 'failed') await this.#mend(client, task)
    else if (status === 'in_review') await this.#review(client, task)
    else if (status === 'approved') await client.call('commitTask', { id })
    else return this.#isOver(client, task)
    return false
  }

  async #attend(client: Client, task: UnitTask): Promise<void> {
    const { id, sessionId = '' } = task
    const lines = this.world.ledger(sessionId).filter((line) => line.startsWith('line ')).length
    const { says, stopsAfter } = this.#fate
    if (stopsAfter !== undefined && !this.#stopped && lines >= stopsAfter) {
      this.#stopped = true
      await client.call('stopTaskExecution', { id })
    } else if (this.#said < says.length && lines >= (says[this.#said] ?? 0)) {
      // Without an answer nobody knows whether it was accepted, so no message is sent twice.
      const token = `${this.#name}said${(this.#said += 1)}`
      await client.call('sendMessage', { id, content: `Mind this: [[${token}]]` })
      this.accepted.push(token)
    } else await this.#answer(client, task)
  }

  /** Also of a task whose session was lost: its question waits. */
  async #answer(client: Client, { id, waitingFor }: UnitTask): Promise<void> {
    if (waitingFor !== 'input') return
    const { questions } = await client.call('listQuestions', { id })
    for (const { id: questionId } of questions) await client.call('answerQuestion', { questionId, answer: 'that way' })
  }

  async #mend(client: Client, task: UnitTask): Promise<void> {
    if (!MENDABLE.has(task.error?.code ?? '')) this.unexpected(task)
    await client.call('retryUnitTask', { id: task.id })
  }

  async #review(client: Client, { id, agentTaskId }: UnitTask): Promise<void> {
    const { sessions } = (await client.call('getAgentTask', { id: agentTaskId })).agentTask
    const wrote = (plan: number) =>
      sessions.some((session) => this.world.ledger(session.id).includes(`wrote ${this.#name}p${plan}`))
    while (wrote(this.#plan + 1)) this.#plan += 1
    const plan = this.#fate.plans[this.#plan + 1]
    if (plan !== undefined) {
      await client.call('requestChanges', { id, prompt: `Change. ${plan}` })
    } else if (this.#fate.end === 'reject') await client.call('rejectUnitTask', { id })
    else await client.call('approveUnitTask', { id })
  }

  async #isOver(client: Client, task: UnitTask): Promise<boolean> {
    const { status, id } = task
    if (status !== 'done' && status !== 'rejected') this.unexpected(task)
    if (this.#fate.end !== 'delete') return true
    this.#deleting = true
    await client.call('deleteUnitTask', { id })
    return false
  }
}
