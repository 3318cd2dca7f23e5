/** Which programs a plugin may start: those that the user was shown when it was installed, and what the settings name. */
import { TroupeError, fail } from '../base/errors.ts'
import type { AgentSettings } from './contract/agent.ts'
import type { Command } from './contract/io.ts'
import type { DetectHost } from './detect-io.ts'
import type { HostIo } from './host-io.ts'
import type { PluginEntry } from './protocol.ts'

export function allowPrograms(io: HostIo, { name, programs }: PluginEntry, settings: AgentSettings): HostIo {
  if (programs === undefined) return io
  const allowed = allowedBy(programs, settings)
  return {
    spawn: async (command) => {
      if (!allowed.has(command.program)) throw refusal(name, command.program)
      assertSameProgram(name, command)
      return io.spawn(command)
    },
    append: (drafts, progress) => io.append(drafts, progress),
    delta: (type, content) => io.delta(type, content),
    ask: (question, withdraw) => io.ask(question, withdraw),
    followUps: io.followUps,
    debug: (text) => io.debug(text),
  }
}

/** A program that was found under an allowed name may be run by its path. */
export function allowLooking(host: DetectHost, { name, programs }: PluginEntry, settings: AgentSettings): DetectHost {
  if (programs === undefined) return host
  const allowed = allowedBy(programs, settings)
  return {
    ...host,
    find: async (program) => {
      const path = await host.find(program)
      if (path !== undefined && allowed.has(program)) allowed.add(path)
      return path
    },
    run: async (program, args) => {
      if (!allowed.has(program)) throw refusal(name, program)
      return host.run(program, args)
    },
  }
}

/** Say which file a name stands for, and what else is loaded into it. */
const WHICH_PROGRAM = /^(?:PATH$|LD_|DYLD_)/

function assertSameProgram(plugin: string, { program, env = {} }: Command): void {
  const variable = Object.keys(env).find((each) => WHICH_PROGRAM.test(each))
  if (variable === undefined) return
  fail(
    'PLUGIN_NOT_ALLOWED',
    `The plugin "${plugin}" tried to start "${program}" with ${variable}, which could make it another program than you were asked about. Tell its author.`,
  )
}

const allowedBy = (programs: readonly string[], { program }: AgentSettings): Set<string> =>
  new Set(program === undefined ? programs : [...programs, program])

const refusal = (plugin: string, program: string): TroupeError =>
  new TroupeError(
    'PLUGIN_NOT_ALLOWED',
    `The plugin "${plugin}" tried to start "${program}", which its manifest does not name, so you were not asked about it. Tell its author.`,
  )
