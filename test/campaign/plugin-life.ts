/** The life of an installed plugin: installed, agreed to, updated and removed, whatever becomes of the host meanwhile. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../core/rpc/client/index.ts'
import type { Life } from './lives.ts'
import type { World } from './world.ts'

const code = (agent: string) => `
import { definePlugin } from 'troupe/plugin'
const agent = { detect: async () => ({ installed: true, signedIn: 'yes' }), run: async () => ({ kind: 'stopped' }) }
export default definePlugin({ agents: { ${agent}: agent } })
`

export class PluginLife implements Life {
  readonly title: string
  readonly task = undefined
  readonly accepted: readonly string[] = []
  readonly #world: World
  readonly #name: string
  #updated = false

  constructor(world: World, name: string) {
    this.title = `The life of the plugin ${name}`
    this.#world = world
    this.#name = name
  }

  async step(client: Client): Promise<boolean> {
    const name = this.#name
    const { plugins } = await client.call('listPlugins', {})
    const plugin = plugins.find((each) => each.name === name)
    if (!plugin) {
      if (this.#updated) return this.#isGone()
      await client.call('installPlugin', { source: this.#write('1.0.0') })
      return false
    }
    if (plugin.status === 'broken') throw new Error(`${this.title}: ${plugin.error?.message}`)
    const asked = plugin.installation?.unconfirmed
    if (asked) await client.call('confirmPlugin', { name, wishesHash: asked.wishesHash })
    else if (plugin.version === '1.0.0') {
      this.#write('2.0.0')
      await client.call('updatePlugin', { name })
    } else {
      this.#updated = true
      await client.call('removePlugin', { name })
    }
    return false
  }

  #isGone(): boolean {
    if (readdirSync(join(this.#world.home, 'plugins')).includes(this.#name))
      throw new Error(`${this.title}: it is left`)
    return true
  }

  #write(version: string): string {
    const name = this.#name
    const folder = join(this.#world.lab.folder, `source-of-${name}`)
    mkdirSync(folder, { recursive: true })
    const troupe = { contract: 1, agents: { [name]: { name, permissionModes: ['full'] } } }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type: 'module', troupe }))
    writeFileSync(join(folder, 'index.js'), code(name))
    return folder
  }
}
