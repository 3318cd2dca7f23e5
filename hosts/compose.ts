/** The only wiring: makes a host of all the parts, for one data directory that is locked for this process. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { systemClock } from '../core/base/clock.ts'
import { newId } from '../core/base/ids.ts'
import type { Logger } from '../core/base/logger.ts'
import { makeEffectHandlers } from '../core/engine/effect-handlers.ts'
import { loadPlaces } from '../core/engine/places.ts'
import { makeEngine, type Engine } from '../core/engine/engine.ts'
import { recoverSessions } from '../core/engine/recovery.ts'
import { makeHandlers } from '../core/handlers/handlers.ts'
import { openSessionLog } from '../core/log/session-log.ts'
import type { PluginLimits } from '../core/plugin/limits.ts'
import { openPluginHost } from '../core/plugin/plugin-host.ts'
import { connectPort, makeClient, type Client } from '../core/rpc/client/index.ts'
import { makeRouter, type Router } from '../core/rpc/router.ts'
import { servePort } from '../core/rpc/serve-port.ts'
import { listenHttp } from '../core/rpc/server/listen-http.ts'
import { makeLocalAgents } from '../core/runner/local-agents.ts'
import { makeLocalRunner } from '../core/runner/local-runner.ts'
import { makeLocalWorkspace } from '../core/runner/local-workspace.ts'
import { endOrphans } from '../core/sandbox/orphans.ts'
import { openSandbox } from '../core/sandbox/open-sandbox.ts'
import { makeScheduler } from '../core/schedule/scheduler.ts'
import { openWorkspaces, type Workspaces } from '../core/workspace/workspaces.ts'
import { openStore } from '../core/store/open-store.ts'
import type { Store } from '../core/store/store.ts'
import { ensureWorker } from '../core/store/workers.ts'
import type { DataDirectory, Environment } from './data-directory.ts'
import { packageRoot, packageVersion } from './package.ts'
import { pages } from './panel.ts'
import { makeSettings } from './settings.ts'

/** The worker of a one-process host; the row says which machine it is. */
const LOCAL_WORKER = '00000000-0000-7000-8000-000000000001'

export interface ComposeOptions {
  readonly dataDirectory: DataDirectory
  readonly env: Environment
  readonly logger: Logger
  /** False: what runs is kept in order and ended when asked, but no new session begins. */
  readonly startsSessions: boolean
  /** Holds results against their schemas too; for tests. */
  readonly strict?: boolean
}

export interface ComposedHost extends AsyncDisposable {
  /** In process. */
  readonly client: Client
  /**
   * Opens the doors, which the host closes with itself.
   * @throws TroupeError PORT_UNAVAILABLE
   */
  listen(options: {
    readonly port: number
    readonly token: string
    readonly socketPath: string
  }): Promise<{ readonly url: string }>
}

const registerLocalWorker = (store: Store, capacity: number): Promise<unknown> =>
  store.transaction((tx) => ensureWorker(tx, { id: LOCAL_WORKER, name: 'local', labels: [], capacity }))

/** A thread in waiting makes sessions begin at once; a command that starts none does without. */
const threadsFor = ({ startsSessions }: ComposeOptions): Partial<PluginLimits> =>
  startsSessions ? {} : { spareThreads: 0 }

async function openClient(router: Router, opened: AsyncDisposableStack): Promise<Client> {
  const { port1, port2 } = new MessageChannel()
  opened.defer(() => port1.close())
  const peer = servePort(router, port1)
  opened.defer(() => peer.close())
  return makeClient(opened.use(await connectPort(port2)))
}

/** What sessions of an earlier host left: their messages are in the log, and nothing of them runs any more. */
async function emptyFolder(path: string, logger: Logger): Promise<void> {
  for (const name of await readdir(path)) {
    // An agent may have left there what its owner cannot remove: no reason not to start.
    await rm(join(path, name), { recursive: true, force: true }).catch((error: unknown) =>
      logger.warn({ err: error, name }, 'The folder of an ended session could not be removed.'),
    )
  }
}

/** Looks in the background whether the worktrees are where the tasks say; settles when it has. */
function reconcile(store: Store, workspaces: Workspaces, logger: Logger): Promise<void> {
  return loadPlaces(store)
    .then((places) => workspaces.reconcileWorkspaces({ known: places }))
    .then((found) => logger.info(found, 'The worktrees were compared with the tasks.'))
    .catch((error: unknown) => logger.warn({ err: error }, 'The worktrees could not be compared with the tasks.'))
}

/** Parts are opened in the order of their needs and closed in the other. @throws TroupeError STORE_..., CONFIG_INVALID */
export async function composeHost(options: ComposeOptions): Promise<ComposedHost> {
  const { dataDirectory, env, logger, startsSessions } = options
  const clock = systemClock
  await using opened = new AsyncDisposableStack()

  const store = opened.use(await openStore({ driver: 'sqlite', file: dataDirectory.database }, { clock, logger }))
  const log = opened.use(openSessionLog({ store, clock, logger }))
  const plugins = opened.use(
    await openPluginHost({ dataDir: dataDirectory.root, logger, clock, limits: threadsFor(options) }),
  )
  const settings = makeSettings({ dataDirectory, env, offered: () => plugins.agents() })
  const workspaces = await openWorkspaces({ dataDir: dataDirectory.root, env, clock, logger })
  const workspace = makeLocalWorkspace({ workspaces, setup: (path) => settings.workspaceSetup(path) })
  const hostEnv = { hostEnv: env, packageRoot }
  const agents = makeLocalAgents({ ...hostEnv, plugins, setup: (agent) => settings.agentSetup(agent) })
  await registerLocalWorker(store, settings.maxSessions())

  // The engine tells the runner what to do and hears from it what happened, so one must be known before the other is.
  const late: { engine?: Engine } = {}
  const runner = makeLocalRunner({
    ...hostEnv,
    log,
    plugins,
    workspace,
    clock,
    logger,
    sandbox: openSandbox('process', { clock, logger }),
    setup: (agent, repositoryPath) => settings.agentSetup(agent, repositoryPath),
    report: async (sessionId, report) => void (await late.engine?.tell(sessionId, { ...report })),
    runRoot: dataDirectory.run,
  })
  const scheduler = makeScheduler({
    store,
    clock,
    logger,
    workers: () => (startsSessions ? [{ id: LOCAL_WORKER, capacity: settings.maxSessions() }] : []),
    assign: async (taskId, workerId) =>
      (await late.engine?.tell(taskId, { type: 'assign', sessionId: newId(), workerId })) ?? false,
  })
  const handlers = makeEffectHandlers({ store, logger, runner, workspace, poke: () => scheduler.poke() })
  const engine = opened.use(makeEngine({ store, clock, logger, handlers }))
  late.engine = engine
  let reconciling: Promise<void> | undefined
  opened.defer(() => reconciling)
  opened.use(runner)
  opened.use(scheduler)
  // A session that ended makes room.
  opened.use(engine.onChange(({ machine }) => machine === 'agentSession' && scheduler.poke()))

  await endOrphans(dataDirectory.run, { logger })
  await emptyFolder(dataDirectory.run, logger)
  await recoverSessions({ store, log, engine, clock, startsSessions })
  await engine.recover()
  reconciling = reconcile(store, workspaces, logger)
  scheduler.poke()

  const router = makeRouter({
    handlers: makeHandlers({ store, engine, log, workspace, agents, settings, clock, logger, version: packageVersion }),
    logger,
    strict: options.strict ?? false,
  })
  const client = await openClient(router, opened)
  return toHost(router, client, opened.move())
}

const toHost = (router: Router, client: Client, parts: AsyncDisposableStack): ComposedHost => ({
  client,
  async listen(doors) {
    const { url } = parts.use(await listenHttp({ router, pages, ...doors }))
    return { url }
  },
  [Symbol.asyncDispose]: () => parts.disposeAsync(),
})
