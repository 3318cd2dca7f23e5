/** What a plugin is checked for. Each point has one verdict for each agent of the plugin. */

/** Sentences that hold for a plugin that passes; in the order of the report. */
export const POINTS = {
  manifest: 'package.json has a manifest that this Troupe can read',
  load: 'its code loads and brings the agents that the manifest names',
  'detect-missing': 'without the program, detection says that it is not installed and what to do',
  'detect-broken': 'a program that fails, prints noise or never ends does not break detection',
  'detect-found': 'detection finds the program',
  faults: 'its code neither throws nor ends nor blocks its thread',
  messages: 'every message, command, question and result is what the contract allows',
  ends: 'a session ends when its program has ended',
  start: 'start comes once, before anything that the agent says or does',
  tools: 'every tool use has one result, also when the session is stopped or the program dies',
  closing: 'the last word of every session is clear',
  settings: 'program and args of the configuration are what is run',
  missing: 'a program that is not there ends the session with AGENT_NOT_INSTALLED',
  failing: 'a program that fails, is killed or says nothing ends the session well',
  noise: 'binary noise, half characters and broken JSON harm nothing',
  kept: 'lines that it does not understand are kept in the log',
  oversize: 'a line of 100 MB and lines of 8 MB harm nothing',
  stop: 'a session that is asked to stop returns in time, whatever its program does',
  processes: 'every process is started through io.spawn',
  files: 'it writes nowhere but in scratchDir, and leaves the worktree as its program left it',
  secrets: 'no secret is on a command line, where every user of the machine can read it',
  text: 'what the agent says is in the log, and the session completes',
  tool: 'what the agent does is in the log as tool use and result',
  'unknown-event': 'after an event of an unknown kind the session goes on',
  failure: 'when the agent says that it failed, the session fails with its words',
  quota: 'a used up quota ends the session with AGENT_QUOTA',
  question: 'a question of the agent reaches people, and their answer the agent',
  withdraw: 'a question that the agent takes back is withdrawn',
  'follow-up': 'what people say during the session reaches the agent',
  resume: 'the conversation of an earlier session is resumed',
  continue: 'when the host dies, the session goes on; nothing is lost and nothing said twice',
} as const

export type PointId = keyof typeof POINTS

export type Verdict =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly reason: string }
  /** Nothing is known about it; the reason says why. */
  | { readonly status: 'not-shown'; readonly reason: string }

export type Point = Verdict & {
  readonly id: PointId
  readonly title: string
  /** Absent where the point is about the whole plugin. */
  readonly agent?: string
}

export interface Report {
  /** Name of the package, as far as it is known. */
  readonly plugin: string
  readonly version: string
  readonly folder: string
  /** No point failed. */
  readonly ok: boolean
  readonly points: readonly Point[]
}

export const passed: Verdict = { status: 'passed' }
export const failed = (reason: string): Verdict => ({ status: 'failed', reason })
export const notShown = (reason: string): Verdict => ({ status: 'not-shown', reason })

/** Passed unless there is a reason against it. */
export const unless = (reason: string | undefined): Verdict => (reason === undefined ? passed : failed(reason))

export const toPoint = (id: PointId, verdict: Verdict, agent?: string): Point => ({
  id,
  title: POINTS[id],
  ...(agent !== undefined && { agent }),
  ...verdict,
})
