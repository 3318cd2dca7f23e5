/** Scenes of the conformance kit, played by the real program of an agent. Its model is scripted, all else is real. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LAST_NUMBER, type SceneName, type Stage, type Staging } from '../../core/conformance/scenes.ts'
import type { ReplyPart, Turn } from '../../fixtures/model-server/script.ts'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

export interface Place {
  readonly scene: SceneName
  /** Of the model. */
  readonly url: string
  /** The program's home, the same in all scenes. */
  readonly home: string
}

export interface RealProgram {
  /** Absolute path. */
  readonly program: string
  /** How the program finds its model. */
  readonly settings: (place: Place) => Pick<Staging, 'args' | 'env' | 'model'>
  /** Put into its home before it begins, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** What the model says to have a command of the shell run. */
  readonly command: (line: string) => ReplyPart
  /** What the model says to ask people `QUESTION`. */
  readonly question?: ReplyPart
  /** An event of a kind that does not exist, which the program says first of all. */
  readonly unknownEvent?: string
  /** Scenes that it plays in a way of its own, or not at all. */
  readonly scenes?: Partial<Readonly<Record<SceneName, readonly Turn[] | undefined>>>
}

export interface OpenStage extends Disposable {
  readonly stage: Stage
}

/** Disposing removes the program's home. */
export function openStage(real: RealProgram): OpenStage {
  const folder = makeTemporaryFolder()
  const home = folder.path
  for (const [path, content] of Object.entries(real.files ?? {})) writeInto(join(home, path), content)
  let played = 0
  return {
    stage: (scene) => play(real, scene, { home, heard: join(home, `heard-${played++}`) }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

async function play(
  real: RealProgram,
  scene: SceneName,
  { home, heard }: { readonly home: string; readonly heard: string },
): Promise<Staging | undefined> {
  const script = { ...toScripts(real, heard), ...real.scenes }[scene]
  if (!script) return undefined
  const server = await startModelServer({ script })
  const { env, ...settings } = real.settings({ scene, url: server.url, home })
  return {
    program: scene === 'unknown-event' ? writeLauncher(home, real) : real.program,
    ...settings,
    env: { HOME: home, ...env },
    onFollowUp: () => writeFileSync(heard, ''),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const ANSWER = 'Persimmon'
export const QUESTION = 'Which fruit?'
export const OPTIONS = [
  { label: ANSWER, description: 'Orange and sweet' },
  { label: 'Quince', description: 'Yellow and sour' },
]
const HELLO = { text: 'Hello, I am a walnut.' }
const SAY_ANSWER = { capture: { answer: ANSWER }, reply: [{ text: 'I heard: {{answer}}.' }] }
const DONE = { reply: [{ text: 'Done.' }] }

/** @param heard A file that is there once the agent was told something. */
function toScripts(
  { command, question, unknownEvent }: RealProgram,
  heard: string,
): NonNullable<RealProgram['scenes']> {
  const waiting = command(`until [ -e '${heard}' ]; do sleep 0.1; done`)
  return {
    detect: [],
    text: [{ reply: [HELLO] }],
    tool: [{ reply: [command('echo done')] }, DONE],
    'unknown-event': unknownEvent === undefined ? undefined : [{ reply: [HELLO] }],
    failure: [{ status: 400, body: 'The task is too odd.', times: 'always' }],
    quota: [{ status: 429, body: 'Slow down.', times: 'always' }],
    question: question && [{ reply: [question] }, SAY_ANSWER],
    'follow-up': [{ when: { said: ANSWER }, ...SAY_ANSWER }, { reply: [HELLO, waiting] }, DONE],
    // Only a model that is told the conversation can say it.
    resume: [{ capture: { earlier: HELLO.text }, reply: [{ text: '{{earlier}}' }] }],
    continue: toTurns(command('true')),
  }
}

const TURNS = 4

/** A quarter of the numbers each, with some work between them. */
const toTurns = (work: ReplyPart): Turn[] =>
  Array.from({ length: TURNS }, (_, turn) => {
    const size = LAST_NUMBER / TURNS
    const numbers = Array.from({ length: size }, (_number, index) => ({ text: `${turn * size + index + 1} ` }))
    return { reply: [...numbers, ...(turn < TURNS - 1 ? [work] : [])], chunks: 1, chunkDelayMs: 10 }
  })

function writeLauncher(home: string, { program, unknownEvent = '' }: RealProgram): string {
  const path = join(home, 'launcher')
  writeFileSync(path, `#!/bin/sh\necho '${unknownEvent}'\nexec '${program}' "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
