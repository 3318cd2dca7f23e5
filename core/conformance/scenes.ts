/**
 * Scenes: what the program under the plugin does in a session.
 *
 * Some need no help from the author: the program is replaced by one that misbehaves. For the others the author brings a
 * stand-in for the program, which speaks its protocol and plays the scene that `TROUPE_SCENE` names.
 */

/** What a stand-in can play. The sentences are its instructions. */
export const SCENES = {
  detect: 'Answer whatever detection asks: `--version` and the like.',
  text: 'Say something and end well.',
  tool: 'Use a tool, report its result, and end well.',
  'unknown-event': 'Print an event of a kind that does not exist, then say something and end well.',
  failure: 'Report that the task could not be done, in the way of the agent.',
  quota: 'Report that the quota is used up, in the way of the agent.',
  hang: 'Say something, begin to use a tool, and never end.',
  crash: 'Say something, begin to use a tool, and exit with code 7.',
  question: 'Ask a person something; say the answer; end well.',
  withdraw: 'Ask a person something; half a second later take it back, say something and end well.',
  'follow-up': 'Say something; wait for a message from a person; say it; end well.',
  resume: 'Say the id of the conversation that is to be resumed, or again what was said in it; end well.',
  continue: 'Say the numbers from 1 to 20, each as a text of its own, some 20 ms apart, and end well.',
} as const

export type SceneName = keyof typeof SCENES

export const LAST_NUMBER = 20

/** What stands in for the agent's program in a scene; disposed after it. */
export interface Staging extends Partial<AsyncDisposable> {
  /** Absolute path. JavaScript and TypeScript are run by this Node. */
  readonly program: string
  readonly args?: readonly string[]
  /** Added to the environment of the session. */
  readonly env?: Readonly<Record<string, string>>
  readonly prompt?: string
  readonly model?: string
  /** Called when the plugin has taken what a person said. */
  readonly onFollowUp?: () => void
}

/** Sets a scene; nothing when it cannot be played. For a real program it may begin a scripted model. */
export type Stage = (scene: SceneName) => Staging | undefined | Promise<Staging | undefined>
