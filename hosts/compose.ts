/** The only wiring: makes a host of all the parts, for one data directory that is locked for this process. */
import { MessageChannel } from 'node:worker_threads'
import { systemClock } from '../core/base/clock.ts'
import { newId } from '../core/base/ids.ts'
import type { Logger } from '../core/base/logger.ts'
import { within } from '../core/base/waiting.ts'
import { makeEffectHandlers } from '../core/engine/effect-handlers.ts'
import { loadPlaces } from '../core/engine/places.ts'
import { makeEngine, type Engine } from '../core/engine/engine.ts'
import { beginRecovery } from '../core/engine/recovery.ts'
import type { Settle } from '../core/engine/step-writer.ts'
import { makeTakeUp } from '../core/engine/take-up.ts'
import { makeHandlers } from '../core/handlers/handlers.ts'
import { openArchive } from '../core/log/archive.ts'
import { openRetention } from '../core/log/retention.ts'
import { openSessionLog } from '../core/log/session-log.ts'
import { InstalledPlugins } from '../core/plugin/installed/installed-plugins.ts'
import { makePluginManager } from '../core/plugin/installed/plugin-manager.ts'
import { openPluginHost } from '../core/plugin/plugin-host.ts'
import { connectPort, makeClient, type Client } from '../core/rpc/client/index.ts'
import { makeRouter, type Router } from '../core/rpc/router.ts'
import { servePort } from '../core/rpc/serve-port.ts'
import { listenHttp } from '../core/rpc/server/listen-http.ts'
import { makeLocalAgents } from '../core/runner/local-agents.ts'
import { makeLocalRunner } from '../core/runner/local-runner.ts'
import { makeLocalWorkspace } from '../core/runner/local-workspace.ts'
import type { SessionsAtEnd } from '../core/runner/ports.ts'
import { openSandbox } from '../core/sandbox/open-sandbox.ts'
import { makeScheduler } from '../core/schedule/scheduler.ts'
import { openWorkspaces } from '../core/workspace/workspaces.ts'
import { migrateApart } from '../core/store/migrate-apart.ts'
import { openStore } from '../core/store/open-store.ts'
import type { Store } from '../core/store/store.ts'
import { ensureWorker } from '../core/store/workers.ts'
import type { DataDirectory, Environment } from './data-directory.ts'
import { packageRoot, packageVersion } from './package.ts'
import { pages } from './panel.ts'
import { pluginsInUse } from './plugins-in-use.ts'
import { makeSettings } from './settings.ts'

/** How long the end of a host waits for its beginning: longer only when the database does not work. */
const TAKE_UP_BOUND_MS = 10_000

/** The worker of a one-process host; the row says which machine it is. */
const LOCAL_WORKER = '00000000-0000-7000-8000-000000000001'

export interface ComposeOptions {
  readonly dataDirectory: DataDirectory
  readonly env: Environment
  readonly logger: Logger
  /** False: agents at work are left alone, or ended when asked; no session begins or goes on. */
  readonly startsSessions: boolean
  /** Holds results against their schemas too; for tests. */
  readonly strict?: boolean
}

export interface ComposedHost extends AsyncDisposable {
  /** In process. */
  readonly client: Client
  /** What the end of this host does with its sessions, whatever `[shutdown] sessions` says. */
  atEnd(choice: SessionsAtEnd): void
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

async function openClient(router: Router, opened: AsyncDisposableStack): Promise<Client> {
  const { port1, port2 } = new MessageChannel()
  opened.defer(() => port1.close())
  const peer = servePort(router, port1)
  opened.defer(() => peer.close())
  return makeClient(opened.use(await connectPort(port2)))
}

/** Looks in the background whether the worktrees are where the tasks say; settles when it has. */
function reconcile({ store, workspaces, logger }: Pick<Parts, 'store' | 'workspaces' | 'logger'>): Promise<void> {
  return loadPlaces(store)
    .then((places) => workspaces.reconcileWorkspaces({ known: places }))
    .then((found) => logger.info(found, 'The worktrees were compared with the tasks.'))
    .catch((error: unknown) => logger.warn({ err: error }, 'The worktrees could not be compared with the tasks.'))
}

/** What stands on its own: each part knows those before it. */
async function openParts({ dataDirectory, env, logger, startsSessions }: ComposeOptions, opened: AsyncDisposableStack) {
  const common = { clock: systemClock, logger }
  const { root } = dataDirectory
  const store = opened.use(
    await openStore({ driver: 'sqlite', file: dataDirectory.database }, { ...common, migrateUp: migrateApart }),
  )
  const archive = openArchive(dataDirectory.archive)
  const log = opened.use(openSessionLog({ store, archive, ...common }))
  const installed: InstalledPlugins = new InstalledPlugins({
    folder: dataDirectory.plugins,
    env,
    inUse: () => pluginsInUse(store, plugins.inUse()),
    ...common,
  })
  await installed.open()
  const isolation = (plugin: string) => settings.pluginIsolation(plugin)
  const plugins = opened.use(await openPluginHost({ dataDir: root, installed, isolation, ...common }))
  const settings = makeSettings({ dataDirectory, env, offered: () => plugins.agents() })
  const pool = startsSessions ? { size: () => settings.preparedWorktrees() } : undefined
  const workspaces = opened.use(await openWorkspaces({ dataDir: root, env, pool, ...common }))
  const workspace = makeLocalWorkspace({ workspaces, setup: (path) => settings.workspaceSetup(path) })
  const agents = makeLocalAgents({ hostEnv: env, packageRoot, plugins, setup: (agent) => settings.agentSetup(agent) })
  const retention = opened.use(openRetention({ store, archive, policy: () => settings.retention(), ...common }))
  const sandbox = opened.use(openSandbox('process', common))
  return { ...common, store, log, installed, plugins, settings, workspaces, workspace, agents, retention, sandbox }
}

type Parts = Awaited<ReturnType<typeof openParts>>

const toAssign = (workerId: string) => ({ type: 'assign', sessionId: newId(), workerId })

/** Engine, runner and scheduler: each tells the others what happened. */
function openEngine(parts: Parts, options: ComposeOptions, opened: AsyncDisposableStack) {
  const { store, settings } = parts
  const { dataDirectory, env, startsSessions } = options
  // The engine tells the runner what to do and hears from it what happened, so one must be known before the other is.
  // A start that fails ends nobody's agents.
  const late: { engine?: Engine; atEnd?: SessionsAtEnd | undefined } = { atEnd: 'leave' }
  const runner = makeLocalRunner({
    ...parts,
    hostEnv: env,
    packageRoot,
    setup: (agent, repositoryPath) => settings.agentSetup(agent, repositoryPath),
    report: async (sessionId, report, id) => void (await late.engine?.tell(sessionId, { ...report }, id)),
    runRoot: dataDirectory.run,
    drives: startsSessions,
    atEnd: () => late.atEnd ?? settings.sessionsAtEnd(),
  })
  const scheduler = makeScheduler({
    ...parts,
    workers: () => (startsSessions ? [{ id: LOCAL_WORKER, capacity: settings.maxSessions() }] : []),
    assign: async (taskId, workerId, hasRoom) =>
      (await late.engine?.offer(taskId, toAssign(workerId), hasRoom)) ?? false,
  })
  const takeUp = makeTakeUp({ store, runner, tell: async (...event) => (await late.engine?.tell(...event)) ?? false })
  const handlers = makeEffectHandlers({ ...parts, runner, takeUp, poke: () => scheduler.poke() })
  const settle: Settle = async (tx, { type, params }) => {
    const workerId = type === 'requestWorker' ? await scheduler.placeNow(tx, params.taskId) : undefined
    return workerId === undefined ? undefined : toAssign(workerId)
  }
  const engine = opened.use(makeEngine({ ...parts, handlers, settle }))
  late.engine = engine
  let reconciled: Promise<void> | undefined
  opened.defer(() => reconciled)
  opened.use(runner)
  opened.use(scheduler)
  // A session that ended makes room.
  opened.use(engine.onChange(({ machine }) => machine === 'agentSession' && scheduler.poke()))

  /** Settles when clients can be served; the rest goes on in the background. */
  async function recover(): Promise<void> {
    const takeUpAll = await beginRecovery({ ...parts, engine, runner, takeUp, startsSessions })
    const givenUp = new AbortController()
    const takenUp = takeUpAll(givenUp.signal)
    // What was not taken up could not be ended with the host.
    opened.defer(() => within(TAKE_UP_BOUND_MS, 'Taking up sessions', takenUp).catch(() => givenUp.abort()))
    reconciled = takenUp.then(() => reconcile(parts))
    scheduler.poke()
  }

  return { engine, recover, atEnd: (choice?: SessionsAtEnd) => void (late.atEnd = choice) }
}

/** Parts are opened in the order of their needs and closed in the other. @throws TroupeError STORE_..., CONFIG_INVALID */
export async function composeHost(options: ComposeOptions): Promise<ComposedHost> {
  await using opened = new AsyncDisposableStack()
  const parts = await openParts(options, opened)
  await registerLocalWorker(parts.store, parts.settings.maxSessions())
  const { engine, recover, atEnd } = openEngine(parts, options, opened)
  await recover()
  // Now it is known which versions sessions go on with.
  await parts.installed.sweep()
  const handlers = makeHandlers({ ...parts, engine, pluginManager: makePluginManager(parts), version: packageVersion })
  const router = makeRouter({ handlers, logger: parts.logger, strict: options.strict ?? false })
  const client = await openClient(router, opened)
  atEnd()
  return toHost({ router, client, atEnd }, opened.move())
}

type HostParts = Pick<ComposedHost, 'client' | 'atEnd'> & { readonly router: Router }

const toHost = ({ router, client, atEnd }: HostParts, parts: AsyncDisposableStack): ComposedHost => ({
  client,
  atEnd,
  async listen(doors) {
    const { url } = parts.use(await listenHttp({ router, pages, ...doors }))
    return { url }
  },
  [Symbol.asyncDispose]: () => parts.disposeAsync(),
})
