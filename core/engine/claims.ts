/**
 * Finds what this engine has to run beside what it has just committed: what it left itself at an earlier start, what dead
 * engines left, and what others committed for an actor whose effects run here (E4).
 *
 * Owns the one look that may be under way, and the one that follows it.
 */
import type { Logger } from '../base/logger.ts'
import { actorsWithEffects } from '../store/effects.ts'
import { claimActors, deleteDeadEngines, type Claimant } from '../store/engines.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'

export interface Claims extends AsyncDisposable {
  /** Looks through the tables. @throws TroupeError STORE_... */
  look(): Promise<void>
  /** As `look`, in the background; what cannot be read now is looked for again with the next renewal of the lease. */
  lookSoon(): void
}

export interface ClaimsDeps {
  readonly store: Store
  readonly logger: Logger
  readonly lease: Pick<Lease, 'ensure'>
  readonly leaseMs: number
  readonly claimant: Claimant
  /** There are effects of these actors to be run. */
  readonly found: (actorIds: readonly string[]) => void
}

export function makeClaims({ store, logger, lease, leaseMs, claimant, found }: ClaimsDeps): Claims {
  const { engineId } = claimant
  let looking: Promise<void> | undefined
  let following: Promise<void> | undefined

  async function lookOnce(): Promise<void> {
    await lease.ensure()
    await store.transaction(async (tx) => {
      await deleteDeadEngines(tx, { engineId, leaseMs })
      await claimActors(tx, claimant)
    })
    found(await store.read((tx) => actorsWithEffects(tx, engineId)))
  }

  const begin = (): Promise<void> => (looking = lookOnce().finally(() => (looking = undefined)))

  /** A look may not see what was committed since it began: whoever comes meanwhile waits for another one. */
  function look(): Promise<void> {
    if (!looking && !following) return begin()
    following ??= (looking ?? Promise.resolve())
      .catch(() => {}) // It has its own caller.
      .then(() => {
        following = undefined
        return begin()
      })
    return following
  }

  function lookSoon(): void {
    look().catch((error: unknown) => logger.error({ err: error }, 'What other engines left could not be looked for.'))
  }

  /** `<engine> <actor>`; without an engine it is for whoever may run it. */
  function hear(text: string | undefined): void {
    const [owner, actorId] = text?.split(' ') ?? []
    if (!owner) lookSoon()
    else if (owner === engineId && actorId) found([actorId])
  }

  const announced = store.onAnnounce('effects', hear)
  return {
    look,
    lookSoon,
    async [Symbol.asyncDispose]() {
      announced[Symbol.dispose]()
      await (following ?? looking)?.catch(() => {})
    },
  }
}
