/**
 * The lives of tasks, as people lead them. Each looks at the task and does what comes next, so that it goes on after any
 * crash, knowing no more than a person at a screen.
 */
import { TroupeError } from '../../core/base/errors.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { countEffects } from './oracle.ts'
import type { World } from './world.ts'

const LIFE_BOUND_MS = 120_000
const LOOK_MS = 10

export interface Life {
  readonly title: string
  /** One look and the next thing to do; true when the life is over. */
  step(client: Client): Promise<boolean>
  /** The task, once there is one. */
  readonly task: UnitTask | undefined
  /** Tokens that the host has accepted. */
  readonly accepted: readonly string[]
}

/** Hears of what happens while a life is led. */
export interface Witness {
  /** The host was found dead; it is started again next. */
  crashed?(): void
  /** A step was made. */
  stepped?(): Promise<void>
}

/** Leads a life to its end, and until nothing is left to be done; starts the host again whenever it is gone. */
export async function lead(world: World, life: Life, witness: Witness = {}): Promise<void> {
  const { host } = world
  const deadline = performance.now() + LIFE_BOUND_MS
  while (performance.now() < deadline) {
    if (!host.alive) {
      if (host.crashed) {
        await host.end('SIGKILL')
        witness.crashed?.()
      }
      if ((await host.start()).kind === 'ended') continue
    }
    try {
      if ((await life.step(host.client)) && countEffects(world) === 0) return
      await witness.stepped?.()
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await sleep(LOOK_MS)
  }
  throw new Error(`${life.title} did not end: ${JSON.stringify(life.task)}`)
}

const PASSING = new Set(['HOST_UNREACHABLE', 'CONFLICT', 'ABORTED', 'STORE_BUSY'])

/** The host is gone or hindered, or things had changed between the look and the deed. */
export const isPassing = (error: unknown): boolean => error instanceof TroupeError && PASSING.has(error.code)

async function find(client: Client, title: string): Promise<UnitTask | undefined> {
  const { tasks } = await client.call('listUnitTasks', { search: title })
  if (tasks.length > 1) throw new Error(`there are ${tasks.length} tasks "${title}"`)
  return tasks[0]
}

async function create(client: Client, world: World, task: { title: string; prompt: string; agent: string }) {
  const { repository } = await client.call('addRepository', { path: world.repository.path })
  return (await client.call('createUnitTask', { repositoryId: repository.id, start: true, ...task })).task
}

/** A life of one task, found again by its title. */
export abstract class TaskLife implements Life {
  readonly title: string
  readonly accepted: string[] = []
  protected readonly world: World
  protected readonly agent: string = 'ledger'
  readonly #prompt: string
  #task: UnitTask | undefined

  constructor(world: World, title: string, prompt: string) {
    this.world = world
    this.title = title
    this.#prompt = prompt
  }

  get task(): UnitTask | undefined {
    return this.#task
  }

  async step(client: Client): Promise<boolean> {
    const task = await find(client, this.title)
    if (!task) {
      if (this.endsWithout()) return true
      this.#task = await create(client, this.world, { title: this.title, prompt: this.#prompt, agent: this.agent })
      return false
    }
    this.#task = task
    return this.next(client, task)
  }

  /** True when a task that is not there is the end. */
  protected endsWithout(): boolean {
    return false
  }

  protected abstract next(client: Client, task: UnitTask): Promise<boolean>

  protected unexpected({ status, error }: UnitTask): never {
    throw new Error(`${this.title} is ${status}: ${JSON.stringify(error)}`)
  }
}

/** Asks, hears, is reviewed, changed, approved and merged. */
export class WholeLife extends TaskLife {
  readonly #name: string
  #said = false
  #sayings = 0

  constructor(world: World, name: string) {
    const plan = `{{${name}: say 4 0; ask colour Which colour?; say 3 0; write ${name}-one; secret; say 2 0}}`
    super(world, `The whole life of ${name}`, `Work. ${plan}`)
    this.#name = name
  }

  protected async next(client: Client, task: UnitTask): Promise<boolean> {
    const { id, status } = task
    if (task.waitingFor === 'input') await this.#reply(client, id)
    else if (status === 'in_review' && !(await this.#isChanged(client, task))) await this.#change(client, id)
    else if (status === 'in_review') await client.call('approveUnitTask', { id })
    else if (status === 'approved') await client.call('commitTask', { id })
    else if (status !== 'queued' && status !== 'in_progress' && status !== 'done') this.unexpected(task)
    return status === 'done'
  }

  async #reply(client: Client, id: string): Promise<void> {
    const { questions } = await client.call('listQuestions', { id })
    if (!this.#said && (await client.call('getUnitTask', { id })).task.status === 'in_progress') {
      // Without an answer nobody knows whether it was accepted: what is said next must be another message.
      const token = `${this.#name}said${(this.#sayings += 1)}`
      await client.call('sendMessage', { id, content: `Mind this: [[${token}]]` })
      this.accepted.push(token)
      this.#said = true
    }
    for (const question of questions) {
      await client.call('answerQuestion', { questionId: question.id, answer: 'blue like the sea' })
    }
  }

  async #isChanged(client: Client, { agentTaskId }: UnitTask): Promise<boolean> {
    const { sessions } = (await client.call('getAgentTask', { id: agentTaskId })).agentTask
    return sessions.some((session) => this.world.ledger(session.id).includes(`wrote ${this.#name}-two`))
  }

  async #change(client: Client, id: string): Promise<void> {
    const { comments } = await client.call('listReviewComments', { id })
    if (comments.length === 0) {
      const text = `Better: [[${this.#name}comment]]`
      await client.call('addReviewComment', { id, file: `${this.#name}-one`, startLine: 1, side: 'new', text })
    }
    const prompt = `Change. [[${this.#name}changes]] {{${this.#name}b: say 2 0; write ${this.#name}-two}}`
    await client.call('requestChanges', { id, prompt })
    this.accepted.push(`${this.#name}changes`)
  }
}

/** Works for ever with a tool of its own, is stopped and deleted. */
export class StoppedLife extends TaskLife {
  #deleting = false

  constructor(world: World, name: string) {
    super(world, `The stopped life of ${name}`, `Work for ever. {{${name}: say 1 0; write ${name}; fork; hang}}`)
  }

  protected override endsWithout(): boolean {
    return this.#deleting
  }

  protected async next(client: Client, task: UnitTask): Promise<boolean> {
    const { id, status, sessionId = '' } = task
    const atWork = this.world.ledger(sessionId).some((line) => line.startsWith('wrote'))
    if (status === 'in_progress' && atWork) await client.call('stopTaskExecution', { id })
    else if (status === 'stopped') {
      this.#deleting = true
      await client.call('deleteUnitTask', { id })
    } else if (status !== 'queued' && status !== 'in_progress') this.unexpected(task)
    return false
  }
}

/** Works for longer than it may. */
export class LateLife extends TaskLife {
  constructor(world: World, name: string) {
    super(world, `The late life of ${name}`, `Work for ever. {{${name}: say 1 0; hang}}`)
  }

  protected async next(_client: Client, task: UnitTask): Promise<boolean> {
    const { status, error } = task
    if (status === 'failed' && error?.code === 'AGENT_TIMEOUT') return true
    if (status !== 'queued' && status !== 'in_progress') this.unexpected(task)
    return false
  }
}

/** Two attempts: one is chosen when it is ready, while the other works for ever. */
export class ComparedLife implements Life {
  readonly title: string
  readonly accepted: string[] = []
  readonly #world: World
  readonly #prompt: string
  #task: UnitTask | undefined

  constructor(world: World, name: string) {
    this.#world = world
    this.title = `The compared life of ${name}`
    // A shell takes the plan for a comment.
    this.#prompt = `exec sleep 1000 # {{${name}: say 2 0; write ${name}}}`
  }

  /** The attempt that is chosen. */
  get task(): UnitTask | undefined {
    return this.#task
  }

  async step(client: Client): Promise<boolean> {
    const { tasks } = await client.call('listUnitTasks', { search: this.title })
    const [good, endless] = ['ledger', 'command'].map((agent) => tasks.find((task) => task.agent === agent))
    if (tasks.length === 0) await this.#create(client)
    if (!good || !endless) return false
    this.#task = good
    if (good.status === 'in_review' && endless.status === 'in_progress') {
      await client.call('chooseAttempt', { taskId: good.id })
    }
    const wrong = [good, endless].find(({ status }) => status === 'failed' || status === 'stopped')
    if (wrong || tasks.length > 2) throw new Error(`${this.title} has ${JSON.stringify(tasks)}`)
    return good.status === 'approved' && endless.status === 'rejected'
  }

  async #create(client: Client): Promise<void> {
    const { repository } = await client.call('addRepository', { path: this.#world.repository.path })
    const attempts = [{ agent: 'ledger' }, { agent: 'command' }]
    const common = { repositoryId: repository.id, title: this.title, prompt: this.#prompt, start: true }
    await client.call('createComparison', { ...common, attempts })
  }
}
