/** What to say when a record's status does not allow what was asked. */
import { TroupeError } from '../base/errors.ts'
import { statusOf } from '../machines/columns.ts'
import type { MachineName } from '../machines/effects.ts'
import { acceptedEvents, stateOf } from '../machines/step.ts'

/** Events that people cause, in the words of the command line. */
const WORDS: Readonly<Record<string, string>> = {
  start: 'start',
  stop: 'stop',
  approve: 'approve',
  reject: 'reject',
  retry: 'retry',
  changes: 'request changes',
  merge: 'commit',
  markDone: 'mark as done',
  pullRequestOpened: 'open a pull request',
  editPrompt: 'edit the prompt',
  answered: 'answer',
  message: 'send a message',
}

/** The CONFLICT error of a record in `status`. */
export function conflictOf(noun: string, status: string, wanted: string, allowed: readonly string[]): TroupeError {
  const instead =
    allowed.length > 0 ? `What is possible now: ${allowed.join(', ')}.` : 'Nothing more can be done with it.'
  const message = `The ${noun} is ${status}, so "${wanted}" is not possible. ${instead}`
  return new TroupeError('CONFLICT', message, { status, allowed })
}

/** The CONFLICT error of an actor that did not take an event. */
export function conflict(machine: MachineName, snapshot: string, eventType: string): TroupeError {
  const state = stateOf(machine, snapshot)
  const status = statusOf(state)
  const allowed = state.done ? [] : acceptedEvents(machine, snapshot).flatMap((type) => WORDS[type] ?? [])
  return conflictOf(machine === 'unitTask' ? 'task' : 'session', status, WORDS[eventType] ?? eventType, allowed)
}
