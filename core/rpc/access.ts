/** Who calls, and what each may call. */
import { TroupeError } from '../base/errors.ts'
import type { Access } from '../contract/method.ts'

/** `local`: holds the host's token or may open its unix socket. Users and workers join with the shared server. */
export type Principal = { readonly kind: 'local' } | { readonly kind: 'anonymous' }

export type AccessRule = (principal: Principal, access: Access) => boolean

/** One person owns a local host, so `local` may all but what is a worker's own. */
export function mayCall(principal: Principal, access: Access): boolean {
  return principal.kind === 'local' ? access !== 'worker' : access === 'public'
}

export function denial(principal: Principal, name: string): TroupeError {
  return principal.kind === 'anonymous'
    ? new TroupeError('UNAUTHENTICATED', `${name} needs a token; send the one that the host printed at its start.`)
    : new TroupeError('FORBIDDEN', `${name} is not for this caller.`)
}
