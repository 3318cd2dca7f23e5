/** The whole catalogue, implemented. A method without a handler does not compile. */
import type { Handlers } from '../rpc/handlers.ts'
import type { HandlerDeps } from './deps.ts'
import { executionHandlers } from './execution.ts'
import { groupingHandlers } from './groups.ts'
import { pullRequestHandlers } from './pull-request.ts'
import { repositoryHandlers } from './repositories.ts'
import { reviewHandlers } from './review.ts'
import { subscriptionHandlers } from './subscriptions.ts'
import { systemHandlers } from './system.ts'
import { taskHandlers } from './tasks.ts'

export const makeHandlers = (deps: HandlerDeps): Handlers => ({
  ...taskHandlers(deps),
  ...reviewHandlers(deps),
  ...pullRequestHandlers(deps),
  ...executionHandlers(deps),
  ...subscriptionHandlers(deps),
  ...repositoryHandlers(deps),
  ...groupingHandlers(deps),
  ...systemHandlers(deps),
})
