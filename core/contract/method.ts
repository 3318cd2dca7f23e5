/** What a method declaration is. */
import type { z } from 'zod'
import type { ErrorCode } from '../base/errors.ts'

/** The least role that may call; `public` needs no token, `worker` is a worker's own connection. */
export type Access = 'public' | 'viewer' | 'member' | 'admin' | 'worker'

export interface Method<Params extends z.ZodType = z.ZodType, Result extends z.ZodType = z.ZodType> {
  readonly params: Params
  readonly result: Result
  /** Codes that this method answers beside those any call may get (`INVALID_PARAMS`, `UNAUTHENTICATED`, ...). */
  readonly errors: readonly ErrorCode[]
  readonly access: Access
  /** Sends notifications, so it needs a connection that carries them: WebSocket or in process. */
  readonly subscribes?: boolean
  /** One sentence for the reference page. */
  readonly doc: string
}

export const method = <Params extends z.ZodType, Result extends z.ZodType>(
  declaration: Method<Params, Result>,
): Method<Params, Result> => declaration

export type ParamsOf<M extends Method> = z.input<M['params']>
/** The parameters as a handler sees them: validated, defaults filled in. */
export type ParsedParamsOf<M extends Method> = z.output<M['params']>
export type ResultOf<M extends Method> = z.output<M['result']>
