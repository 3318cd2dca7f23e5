/** By plugin: the program that plays the scenes of the conformance kit. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SceneName, Stage } from '../../core/conformance/scenes.ts'
import { agentProgram, type RealAgent } from '../helpers/agent-programs.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import type { Turn } from '../plugins/amp/amp.ts'
import { OPTIONS, type OpenStage, openStage, QUESTION } from './real-program.ts'
import { REAL_PROGRAMS } from './real-programs.ts'

interface Casting {
  /** Must be installed. */
  readonly needs?: RealAgent
  readonly open: () => Promise<OpenStage> | OpenStage
}

const real = Object.entries(REAL_PROGRAMS).map(([plugin, { name, toProgram }]): [string, Casting] => [
  plugin,
  { needs: name, open: async () => openStage(toProgram(await agentProgram(name))) },
])

/** Bodies of shell scripts. */
const COMMANDS: Partial<Readonly<Record<SceneName, string>>> = {
  detect: '',
  text: 'echo Hello.',
  tool: 'echo done',
  'unknown-event': `echo '{"type":"hologram"}'; echo Hello.`,
  failure: 'echo It is too odd. >&2; exit 1',
  hang: 'echo Hello.; sleep 600',
  crash: 'echo Hello.; exit 7',
  continue: 'for number in $(seq 1 20); do echo $number; sleep 0.02; done',
}

function openCommands(): OpenStage {
  const stage: Stage = (scene) => {
    const script = COMMANDS[scene]
    return script === undefined ? undefined : { program: '/bin/sh', args: ['-c', script] }
  }
  return { stage, [Symbol.dispose]: () => {} }
}

const AMP = fileURLToPath(new URL('../../fixtures/amp-stand-in/amp.js', import.meta.url))
const HELLO = { text: 'Hello, I am a walnut.' }
const SAY_HEARD = { text: 'I heard: {{heard}}' }
const SAY_THREAD = { text: 'I go on with {{thread}}.' }
const shell = (cmd: string) => ({ tool: 'Bash', input: { cmd } })

/** @param heard A file that is there once the agent was told something. */
const toTurns = (heard: string): Partial<Readonly<Record<SceneName, readonly Turn[]>>> => ({
  // The scene "resume" goes on with it.
  text: [{ blocks: [HELLO] }, { blocks: [SAY_THREAD] }],
  tool: [{ blocks: [shell('echo done'), { text: 'Done.' }] }],
  'unknown-event': [{ lines: ['{"type":"hologram"}'], blocks: [HELLO] }],
  failure: [{ error: 'It is too odd.' }],
  quota: [{ error: 'Out of credits.' }],
  hang: [{ blocks: [HELLO, shell('sleep 600')] }],
  crash: [{ blocks: [HELLO, shell('kill -9 $PPID; sleep 600')] }],
  question: [{ blocks: [{ tool: 'ask_person', input: { question: QUESTION, options: OPTIONS } }, SAY_HEARD] }],
  'follow-up': [{ blocks: [HELLO, shell(`until [ -e '${heard}' ]; do sleep 0.1; done`)] }, { blocks: [SAY_HEARD] }],
  continue: [{ blocks: Array.from({ length: 20 }, (_, index) => ({ text: String(index + 1) })) }],
})

function openAmp(): OpenStage {
  const folder = makeTemporaryFolder()
  const stage: Stage = (scene) => {
    const heard = join(folder.path, 'heard')
    const turns = toTurns(heard)[scene] ?? []
    const script = join(folder.path, `${scene === 'resume' ? 'text' : scene}.json`)
    if (scene === 'withdraw') return undefined
    if (scene !== 'resume') writeFileSync(script, JSON.stringify({ turns }))
    const env = { AMP_API_KEY: 'fake', AMP_STAND_IN: script }
    return { program: AMP, env, onFollowUp: () => writeFileSync(heard, '') }
  }
  return { stage, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

export const STAGES: Readonly<Record<string, Casting>> = {
  ...Object.fromEntries(real),
  amp: { open: openAmp },
  command: { open: openCommands },
}
