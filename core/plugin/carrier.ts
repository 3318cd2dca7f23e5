/** Where a plugin runs: a thread of this process, or a process of its own. */
import type { Port } from './port.ts'

/** Why it is over. */
export type ThreadOver =
  | { readonly kind: 'ended' }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'unresponsive' }
  | { readonly kind: 'threw'; readonly message: string }

export interface Carrier {
  readonly port: Port
  /** Never rejects. What was sent before may still be on its way through the port. */
  readonly over: Promise<ThreadOver>
  /** Ends it at once; `over` follows. */
  end(): void
}

/** How far a plugin is kept from the rest of the machine. */
export type Isolation =
  | { readonly kind: 'thread' }
  | {
      readonly kind: 'process'
      /** The folder that it may read. Absolute, no link. */
      readonly folder: string
      /** It may use the network itself. */
      readonly network: boolean
    }
