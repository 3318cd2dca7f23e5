/** A data directory's plugins, a host for them, and plugins to be installed. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { PluginInfo, PluginIsolation } from '../../core/contract/records.ts'
import { InstalledPlugins, type InstalledPluginsOptions } from '../../core/plugin/installed/installed-plugins.ts'
import { makePluginManager, type PluginManager } from '../../core/plugin/installed/plugin-manager.ts'
import { type PluginEnd, type PluginHost, openPluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { FIXTURES } from './setup.ts'

export interface PluginFiles {
  readonly name?: string
  readonly version?: string
  readonly agent?: string
  /** What it says when it runs, evaluated there. */
  readonly says?: string
  readonly troupe?: Readonly<Record<string, unknown>>
  readonly secrets?: readonly string[]
  readonly fields?: Readonly<Record<string, unknown>>
}

const code = (agent: string, says: string) => `
import { definePlugin } from 'troupe/plugin'
const say = async (session, io) => ${says}
export default definePlugin({
  agents: {
    ${JSON.stringify(agent)}: {
      detect: async () => ({ installed: true, signedIn: 'yes' }),
      async run(session, io) {
        await io.emit({ type: 'text', content: String(await say(session, io)) })
        if (!session.prompt.includes('wait')) return { kind: 'complete', success: true }
        for await (const { content } of io.followUps) await io.emit({ type: 'text', content })
        return { kind: 'stopped' }
      },
    },
  },
})
`

export class InstallLab implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-install-'))
  readonly plugins = join(this.folder, 'data/plugins')
  readonly home = join(this.folder, 'home')
  /** As sessions of another host would. */
  readonly inUse = new Map<string, readonly string[]>()
  readonly env: Record<string, string>
  #host: PluginHost | undefined
  #installed: InstalledPlugins | undefined

  constructor() {
    mkdirSync(this.plugins, { recursive: true })
    mkdirSync(this.home)
    this.env = { HOME: this.home, PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` }
  }

  /** Where packages are asked for; without one nothing is reached. */
  useRegistry(url: string): void {
    writeFileSync(join(this.home, '.npmrc'), `registry=${url}/\n`)
  }

  /** As a host that starts does. */
  async open(options: Partial<InstalledPluginsOptions> = {}): Promise<PluginManager> {
    await this.close()
    this.useRegistry('http://127.0.0.1:9')
    const common = { logger: silentLogger, clock: systemClock }
    const inUse = async () => new Map([...this.inUse, ...this.host.inUse()])
    this.#installed = new InstalledPlugins({ folder: this.plugins, env: this.env, inUse, ...common, ...options })
    await this.#installed.open()
    const dataDir = join(this.folder, 'data')
    this.#host = await openPluginHost({ bundled: FIXTURES, dataDir, installed: this.#installed, ...common })
    await this.#installed.sweep()
    return makePluginManager({ installed: this.#installed, plugins: this.#host })
  }

  get host(): PluginHost {
    if (!this.#host) throw new Error('open the lab first')
    return this.#host
  }

  get installed(): InstalledPlugins {
    if (!this.#installed) throw new Error('open the lab first')
    return this.#installed
  }

  /** Writes a plugin that can be installed; gives its folder. */
  write(place: string, files: PluginFiles = {}): string {
    const { name = 'my-plugin', version = '1.0.0', agent = 'my-agent', says = '`I am ${import.meta.url}`' } = files
    const folder = join(this.folder, place)
    mkdirSync(folder, { recursive: true })
    const agents = { [agent]: { name: agent, permissionModes: ['full'], secrets: files.secrets ?? [] } }
    const troupe = { contract: 1, agents, ...files.troupe }
    const json = { name, version, type: 'module', main: 'index.js', troupe, ...files.fields }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(json))
    writeFileSync(join(folder, json.main), code(agent, says))
    return folder
  }

  /** Installs, and agrees to whatever it wants. */
  async add(manager: PluginManager, source: string, isolation?: PluginIsolation): Promise<PluginInfo> {
    const plugin = await manager.install(source, { isolation, signal: new AbortController().signal })
    const asked = plugin.installation?.unconfirmed
    return asked ? manager.confirm(plugin.name, asked.wishesHash) : plugin
  }

  /** Runs a session of its agent to its end; gives what it said. */
  async say(agent = 'my-agent'): Promise<{ end: PluginEnd; texts: string[] }> {
    await using io = new TestIo()
    const session = makeSession(agent, { prompt: 'go' })
    const end = await this.host.run({ session, io, signal: new AbortController().signal })
    return { end, texts: io.texts() }
  }

  info(name = 'my-plugin'): PluginInfo | undefined {
    return this.host.plugins().find((plugin) => plugin.name === name)
  }

  /** Everything that is in the data directory's `plugins`. */
  left(): string[] {
    return readdirSync(this.plugins)
  }

  async close(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]()
    this.#host = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
