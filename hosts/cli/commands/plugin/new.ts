/** `troupe plugin new`: a plugin to begin with. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Run, addCommand, usage } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { nextStepLines } from '../../render/next-steps.ts'
import { writeStarter } from '../../starter/write-starter.ts'

const DETAILS = `Makes a folder with a plugin in TypeScript that needs no build, a small program that stands in for the agent, and a
test. It passes \`troupe plugin check\` as it is.`

export function addPluginNewCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'new <name>', {
    summary: 'Write a plugin to begin with',
    details: DETAILS,
    examples: ['troupe plugin new my-agent', 'troupe plugin new @me/my-agent'],
  }).action((name: string) =>
    run(command, async ({ cwd, output }) => {
      if (!NAME.test(name))
        usage(`"${name}" is not a name for a plugin. Use a-z, 0-9 and "-", as in my-agent or @me/my-agent.`)
      const agent = name.replace(/^.*\//, '')
      const folder = resolve(cwd, agent)
      const files = await writeStarter(folder, { package: name, agent })
      output.result({ plugin: name, agent, folder, files }, () => [
        `Wrote the plugin ${name} to ${folder}.`,
        '',
        ...nextStepLines(
          [
            [`troupe plugin check ./${agent}`, 'see that it keeps the contract, again after each change'],
            [`troupe plugin add ./${agent}`, 'use it here'],
          ],
          output.style,
        ),
      ])
      return EXIT.done
    }),
  )
}

/** Its last part is the name of the agent too. */
const NAME = /^(@[a-z0-9][a-z0-9._-]{0,100}\/)?[a-z0-9][a-z0-9-]{0,63}$/
