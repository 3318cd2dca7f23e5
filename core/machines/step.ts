/** The pure step: a stored snapshot and an event give the next snapshot and what must happen. Runs nothing. */
import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate'
import { agentSessionMachine, SESSION_MACHINE_VERSION } from './agent-session.ts'
import type { ActorEvent, EffectName, Effects, MachineName, RecordName, Records } from './effects.ts'
import { isRecordName } from './effects.ts'
import type { SessionContext } from './session-events.ts'
import type { TaskContext } from './task-events.ts'
import { TASK_MACHINE_VERSION, unitTaskMachine } from './unit-task.ts'

export type PlannedEffect = { [Name in EffectName]: { type: Name; params: Effects[Name] } }[EffectName]
export type PlannedRecord = { [Name in RecordName]: { type: Name; params: Records[Name] } }[RecordName]

export interface PlannedDeadline {
  /** Unique within its actor; setting it again replaces it. */
  readonly key: string
  readonly delayMs: number
  readonly event: ActorEvent
}

export interface Step {
  /** JSON of the next snapshot. */
  readonly snapshot: string
  readonly state: ActorState
  /** The state before; none at the first step. */
  readonly before: ActorState | undefined
  readonly effects: readonly PlannedEffect[]
  readonly records: readonly PlannedRecord[]
  readonly deadlines: readonly PlannedDeadline[]
  /** Keys of deadlines that no longer hold. */
  readonly cancelled: readonly string[]
}

interface InState {
  /** For example `{ in_progress: 'working' }` or `done`. */
  readonly value: unknown
  readonly done: boolean
}
export type TaskState = InState & { readonly machine: 'unitTask'; readonly context: TaskContext }
export type SessionState = InState & { readonly machine: 'agentSession'; readonly context: SessionContext }

/** What an actor is in, for columns and messages. */
export type ActorState = TaskState | SessionState

const machines: Record<MachineName, { readonly machine: AnyStateMachine; readonly version: number }> = {
  unitTask: { machine: unitTaskMachine, version: TASK_MACHINE_VERSION },
  agentSession: { machine: agentSessionMachine, version: SESSION_MACHINE_VERSION },
}

export const isMachineName = (name: string): name is MachineName => Object.hasOwn(machines, name)
export const machineVersion = (name: MachineName): number => machines[name].version

interface Action {
  readonly type: string
  readonly params?: unknown
}

function toState(machine: MachineName, { value, context, status }: AnyMachineSnapshot): ActorState {
  const done = status !== 'active'
  return machine === 'unitTask' ? { machine, value, context, done } : { machine, value, context, done }
}

const DEADLINE = 'xstate.raise'
const CANCEL = 'xstate.cancel'

function toDeadline(action: Action): PlannedDeadline {
  const { id, delay, event } = action.params as { id: string; delay: number; event: ActorEvent }
  return { key: id, delayMs: delay, event }
}

type Transition = readonly [snapshot: unknown, actions: readonly Action[]]

function toStep(name: MachineName, [after, actions]: Transition, before?: ActorState): Step {
  const snapshot = after as AnyMachineSnapshot
  const named = actions.filter(({ type }) => type !== DEADLINE && type !== CANCEL)
  const own = named.map(({ type, params }) => ({ type, params }))
  return {
    snapshot: JSON.stringify(machines[name].machine.getPersistedSnapshot(snapshot)),
    state: toState(name, snapshot),
    before,
    records: own.filter((action) => isRecordName(action.type)) as PlannedRecord[],
    effects: own.filter((action) => !isRecordName(action.type)) as PlannedEffect[],
    deadlines: actions.filter((action) => action.type === DEADLINE).map(toDeadline),
    cancelled: actions
      .filter((action) => action.type === CANCEL)
      .map((action) => (action.params as { sendId: string }).sendId),
  }
}

const restore = (name: MachineName, snapshot: string): AnyMachineSnapshot =>
  // Durable machines invoke no children, so the scope that XState would start them in is never used.
  machines[name].machine.restoreSnapshot(JSON.parse(snapshot), undefined as never) as AnyMachineSnapshot

/** The first state of a new actor, with what its entry asks for. */
export const firstStep = (name: MachineName, input: object): Step =>
  toStep(name, initialTransition(machines[name].machine, input))

/** The state of a stored snapshot. */
export const stateOf = (name: MachineName, snapshot: string): ActorState => toState(name, restore(name, snapshot))

/** The next step, or `undefined` when the state does not take this event. */
export function nextStep(name: MachineName, snapshot: string, event: ActorEvent): Step | undefined {
  const before = restore(name, snapshot)
  if (before.status !== 'active' || !before.can(event)) return undefined
  return toStep(name, transition(machines[name].machine, before, event), toState(name, before))
}

/** The events that the state of a snapshot takes, XState's own left out. */
export function acceptedEvents(name: MachineName, snapshot: string): string[] {
  const types = restore(name, snapshot)._nodes.flatMap((node) => node.ownEvents as readonly string[])
  return [...new Set(types)].filter((type) => !type.startsWith('xstate.'))
}
