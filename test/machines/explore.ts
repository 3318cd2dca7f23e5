/** Walks everything that a machine can do, with one example of each event. */
import type { ActorEvent, MachineName } from '../../core/machines/effects.ts'
import { firstStep, nextStep, type Step } from '../../core/machines/step.ts'

export interface Explored {
  readonly step: Step
  /** Events that the state took, each with where it led. */
  readonly edges: Map<string, string>
}

/** States by their value; two that differ only in context count once unless `keyOf` says otherwise. */
export function explore(
  name: MachineName,
  input: object,
  events: (step: Step) => readonly ActorEvent[],
): Map<string, Explored> {
  const keyOf = (step: Step) => JSON.stringify(step.state.value)
  const first = firstStep(name, input)
  const found = new Map<string, Explored>([[keyOf(first), { step: first, edges: new Map() }]])
  const open = [keyOf(first)]
  for (let key = open.shift(); key !== undefined; key = open.shift()) {
    const { step, edges } = found.get(key) as Explored
    for (const event of events(step)) {
      const next = nextStep(name, step.snapshot, event)
      if (!next) continue
      edges.set(event.type, keyOf(next))
      if (found.has(keyOf(next))) continue
      found.set(keyOf(next), { step: next, edges: new Map() })
      open.push(keyOf(next))
    }
  }
  return found
}

/** Keys of states from which a state that satisfies `goal` can be reached. */
export function reaching(states: Map<string, Explored>, goal: (key: string) => boolean): Set<string> {
  const reached = new Set([...states.keys()].filter(goal))
  for (let before = -1; before !== reached.size;) {
    before = reached.size
    for (const [key, { edges }] of states) if ([...edges.values()].some((to) => reached.has(to))) reached.add(key)
  }
  return reached
}
