/** The whole catalogue, implemented. A method without a handler does not compile. */
import type { Handlers } from '../rpc/handlers.ts'
import type { HandlerDeps } from './deps.ts'
import { comparisonHandlers } from './comparisons.ts'
import { executionHandlers } from './execution.ts'
import { groupingHandlers } from './groups.ts'
import { pluginHandlers } from './plugins.ts'
import { pullRequestHandlers } from './pull-request.ts'
import { repositoryHandlers } from './repositories.ts'
import { reviewHandlers } from './review.ts'
import { subscriptionHandlers } from './subscriptions.ts'
import { systemHandlers } from './system.ts'
import { taskHandlers } from './tasks.ts'

export const makeHandlers = (deps: HandlerDeps): Handlers => ({
  ...taskHandlers(deps),
  ...comparisonHandlers(deps),
  ...reviewHandlers(deps),
  ...pullRequestHandlers(deps),
  ...executionHandlers(deps),
  ...subscriptionHandlers(deps),
  ...repositoryHandlers(deps),
  ...groupingHandlers(deps),
  ...pluginHandlers(deps),
  ...systemHandlers(deps),
})
