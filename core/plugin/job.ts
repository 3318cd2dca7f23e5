/** Jobs in a plugin's thread: the plugin's code is loaded, then runs a session or looks for an agent. */
import { TroupeError, fail } from '../base/errors.ts'
import type { Detection } from '../contract/records.ts'
import type { Agent, Plugin, RunEnd, Session } from './contract/agent.ts'
import type { DetectIo } from './contract/io.ts'
import type { MessageShapes } from './message-check.ts'
import type { DetectMethods, JobMethods, PluginEntry, SessionMethods } from './protocol.ts'
import { ThreadSessionIo } from './session-io.ts'
import type { Trunk } from './trunk.ts'
import type { Wire } from './wire.ts'

interface Loaded {
  readonly entry: PluginEntry
  readonly plugin: Plugin
}

/** Owns the jobs of a thread. Each is over when its wire is closed. */
export class Jobs {
  readonly #trunk: Trunk
  readonly #shapes: MessageShapes
  readonly #sessions = new Set<ThreadSessionIo>()

  constructor(trunk: Trunk, shapes: MessageShapes) {
    this.#trunk = trunk
    this.#shapes = shapes
  }

  /** Serves a job on this wire. */
  begin(number: number): void {
    const stop = new AbortController()
    const end = () => stop.abort(new TroupeError('ABORTED', 'The session was asked to stop.'))
    let loaded: Loaded | undefined
    const wire: Wire<SessionMethods & DetectMethods> = this.#trunk.open<SessionMethods & DetectMethods, JobMethods>(
      number,
      {
        load: async (entry) => {
          loaded = { entry, plugin: await loadPlugin(entry) }
        },
        run: ({ session, progress }) =>
          this.#run(
            loaded,
            session,
            new ThreadSessionIo({ wire, signal: stop.signal, shapes: this.#shapes }, progress),
          ),
        detect: ({ agent, settings }) => detectAgent(loaded, { agent, settings }, wire),
        stop: end,
      },
      end,
    )
  }

  /** Sends what the sessions have said, whatever is under way: for the last moment of the thread. */
  sendRest(): void {
    for (const session of this.#sessions) session.sendRest()
  }

  async #run(loaded: Loaded | undefined, session: Session, io: ThreadSessionIo): Promise<RunEnd> {
    this.#sessions.add(io)
    try {
      return await runSession(loaded, session, io)
    } finally {
      this.#sessions.delete(io)
    }
  }
}

/** @throws TroupeError PLUGIN_LOAD. */
async function loadPlugin(entry: PluginEntry): Promise<Plugin> {
  let module: { default?: unknown }
  try {
    module = await import(entry.url)
  } catch (error) {
    throw new TroupeError(
      'PLUGIN_LOAD',
      `The plugin "${entry.name}" failed while it was loaded: ${describe(error, entry.url)}`,
    )
  }
  assertPlugin(module.default, entry)
  return module.default
}

/** @throws TroupeError PLUGIN_LOAD. */
function assertPlugin(value: unknown, { name, agents }: PluginEntry): asserts value is Plugin {
  if (!hasAgents(value)) {
    throw new TroupeError('PLUGIN_LOAD', `The plugin "${name}" has no default export made by definePlugin.`)
  }
  const missing = agents.find((agent) => !Object.hasOwn(value.agents, agent) || !isAgent(value.agents[agent]))
  if (missing === undefined) return
  throw new TroupeError(
    'PLUGIN_LOAD',
    `The plugin "${name}" names the agent "${missing}" in its manifest, but its code has no run and detect for it.`,
  )
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const hasAgents = (value: unknown): value is { readonly agents: Readonly<Record<string, unknown>> } =>
  isObject(value) && 'agents' in value && isObject(value.agents)

const isAgent = (value: unknown): value is Agent =>
  isObject(value) &&
  'run' in value &&
  'detect' in value &&
  typeof value.run === 'function' &&
  typeof value.detect === 'function'

function agentOf(loaded: Loaded | undefined, name: string): Agent {
  return loaded?.plugin.agents[name] ?? fail('AGENT_NOT_FOUND', `The plugin has no agent "${name}".`)
}

/** Ends when all messages are committed. An error of the host that the plugin let through keeps its code. */
async function runSession(loaded: Loaded | undefined, session: Session, io: ThreadSessionIo): Promise<RunEnd> {
  if (io.signal.aborted) return { kind: 'stopped' }
  const agent = agentOf(loaded, session.agent)
  try {
    const end = await agent.run(session, io)
    await io.drained()
    return end
  } catch (error) {
    await io.drained()
    if (error instanceof TroupeError) throw error
    const place = describe(error, loaded?.entry.url ?? '')
    throw new TroupeError('PLUGIN_FAILED', `The plugin threw while it ran "${session.agent}": ${place}`)
  }
}

async function detectAgent(
  loaded: Loaded | undefined,
  { agent, settings }: Parameters<JobMethods['detect']>[0],
  wire: Wire<DetectMethods>,
): Promise<Detection> {
  const io: DetectIo = {
    settings,
    find: (program) => wire.call('find', program),
    run: (program, args) => wire.call('run', { program, args }),
    hasSecret: (name) => wire.call('hasSecret', name),
    fileExists: (path) => wire.call('fileExists', path),
  }
  return await agentOf(loaded, agent).detect(io)
}

/** The message, and for an error of the plugin's code its place there. */
function describe(error: unknown, pluginUrl: string): string {
  if (!(error instanceof Error)) return `it threw ${JSON.stringify(error) ?? String(error)}`
  const folder = new URL('.', pluginUrl).href
  const place = error.stack?.split('\n').find((line) => line.includes(folder) && line.trimStart().startsWith('at '))
  return place ? `${error.message} (${place.trim()})` : error.message
}
