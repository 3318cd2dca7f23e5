/** What a plugin's thread or process does for the host. It begins empty; jobs bring the plugin. */
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Jobs } from './job.ts'
import type { MessageShapes } from './message-check.ts'
import type { Port } from './port.ts'
import { CONTROL, type OwnerMethods, type ThreadMethods } from './protocol.ts'
import { Trunk } from './trunk.ts'

const contractUrl = new URL(`./contract/index${extname(import.meta.url)}`, import.meta.url).href

/** Node itself takes TypeScript only elsewhere, and plugins are installed below such a folder. */
const INSTALLED_TYPESCRIPT = /^file:.*\/node_modules\/.*\.m?ts$/

/** Wherever a plugin is on the disk, it gets the contract of the host that runs it, and may be written in TypeScript. */
export function provideContract(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'troupe/plugin' ? { url: contractUrl, shortCircuit: true } : next(specifier, context),
    load(url, context, next) {
      if (!INSTALLED_TYPESCRIPT.test(url)) return next(url, context)
      const source = stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'))
      return { format: 'module', source, shortCircuit: true }
    },
  })
}

export interface Served {
  /** Settles when the host has closed the port. */
  readonly closed: Promise<void>
  /** Tells the host what ended this; nothing follows. */
  threw(message: string): void
}

/** @param born What it was born with; `number` names it in the log of the host. */
export function serveJobs(port: Port, born: { readonly shapes: MessageShapes; readonly number: number }): Served {
  const trunk = new Trunk(port)
  const jobs = new Jobs(trunk, born.shapes)
  // What a plugin said before it ended its own thread is heard.
  process.once('exit', () => jobs.sendRest())
  const control = trunk.open<OwnerMethods, ThreadMethods>(CONTROL, {
    ping: () => {},
    open: (wire) => {
      jobs.begin(wire)
      return born.number
    },
  })
  return {
    closed: trunk.closed,
    threw(message) {
      jobs.sendRest()
      control.notify('threw', message)
    },
  }
}
