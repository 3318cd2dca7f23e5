/** Each point of the check is failed by a plugin that is broken there, and by no other. */
import { describe, expect, it } from 'vitest'
import { checkPlugin } from '../../core/conformance/check-plugin.ts'
import type { PointId } from '../../core/conformance/points.ts'
import { type Edit, makeStarter } from './starter.ts'

const edit = (file: string, from: string, to: string): Edit => ({ file, from, to })
const inTalk = (from: string, to: string): Edit => edit('conversation.ts', from, to)
const inIndex = (from: string, to: string): Edit => edit('index.ts', from, to)

/** Goes on after a crash, and forgets that it has spoken. */
const REPEATS: readonly Edit[] = [
  edit('package.json', '"resume"', '"resume", "continue"'),
  edit(
    'stand-in.mjs',
    'const SCENES = {',
    'const SCENES = {\n  continue: async () => { for (let n = 1; n <= 20; n++) { say(String(n)); await setTimeout(20) } },',
  ),
  inTalk('void this.#passOn()', 'io.checkpoint({})\n    void this.#passOn()'),
  inTalk(
    'const exit = await process.exited',
    "const exit = await process.exited\n    if (session.checkpoint !== undefined) void io.emit({ type: 'text', content: '1' })",
  ),
]

const BROKEN: Readonly<Record<PointId, readonly Edit[]>> = {
  manifest: [edit('package.json', '"contract": 1', '"contract": 99')],
  load: [inIndex('export default', 'export const plugin =')],
  'detect-missing': [inIndex(', hint: INSTALL }', ' }')],
  'detect-broken': [inIndex('const version = await readVersion(io, program)', "const version = '9.9.9'")],
  'detect-found': [edit('stand-in.mjs', "'--version'", "'--release'")],
  faults: [inTalk('if (io.signal.aborted) this.#stop()', "throw new Error('out of ideas')")],
  messages: [inTalk('content: event.text', 'content: { of: event.text }')],
  ends: [inTalk('await process.exited', 'await new Promise(() => {})')],
  start: [
    inTalk(
      "return void io.emit({ type: 'start'",
      "void io.emit({ type: 'text', content: 'Hello?' })\n        return void io.emit({ type: 'start'",
    ),
  ],
  tools: [inTalk("this.#finishTool(id, 'The program ended before the tool did.', false)", 'void id')],
  closing: [
    inTalk(
      '?? toExitError(names, exit, this.#heard)',
      "?? { kind: 'error', code: 'AGENT_EXITED', message: `It ended with ${undefined}.` }",
    ),
  ],
  settings: [inIndex('...session.settings.args', '')],
  missing: [
    inIndex(
      '  })\n}\n\nexport default',
      "  }).then((end) => (end.kind === 'error' && end.code === 'AGENT_NOT_INSTALLED' ? { ...end, code: 'AGENT_FAILED' } : end))\n}\n\nexport default",
    ),
  ],
  failing: [inTalk('?? toExitError(names, exit, this.#heard)', "?? { kind: 'complete', success: true }")],
  noise: [edit('events.ts', '  } catch {\n    return undefined', "  } catch {\n    throw new Error('no JSON')")],
  kept: [inTalk('else void this.#parts.io.emit', "else if (stream === 'stderr') void this.#parts.io.emit")],
  oversize: [inTalk('const event = ', "if (text.length > 1_000_000) throw new Error('too long')\n    const event = ")],
  stop: [inTalk("if (io.signal.aborted) return { kind: 'stopped' }", '')],
  processes: [
    inIndex('/**', "import { spawn } from 'node:child_process'\n/**"),
    inIndex(
      '  const program = session',
      "  spawn('sleep', ['600'], { stdio: 'ignore' }).unref()\n  const program = session",
    ),
  ],
  files: [
    inIndex('/**', "import { writeFileSync } from 'node:fs'\n/**"),
    inIndex('  const program = session', "  writeFileSync(`${session.workDir}/notes`, '')\n  const program = session"),
  ],
  secrets: [
    edit('package.json', '"secrets": []', '"secrets": ["PARROT_KEY"]'),
    inIndex(
      'program, args: [...resume,',
      `program: 'sh', args: ['-c', 'exec "$0" "$@" --key "$PARROT_KEY"', program, ...resume,`,
    ),
  ],
  text: [inTalk('agent, workDir, agentSessionId', "agent, workDir: '/', agentSessionId")],
  tool: [
    inTalk(
      "void this.#parts.io.emit({ type: 'toolUse'",
      "if (toolName === 'look') this.#tools.delete(toolUseId)\n    else void this.#parts.io.emit({ type: 'toolUse'",
    ),
  ],
  'unknown-event': [
    inTalk('const event = ', "if (text.includes('dance')) throw new Error('no dance')\n    const event = "),
  ],
  failure: [inTalk('success: event.ok', 'success: true')],
  quota: [inTalk("code: 'AGENT_QUOTA'", "code: 'AGENT_API'")],
  question: [inTalk("type: 'answer', id, text", "type: 'answer', id, text: text.slice(0, 1)")],
  withdraw: [inTalk('return this.#questions.get(event.id)?.abort()', 'return')],
  'follow-up': [inTalk("{ type: 'message', text: content }", "{ type: 'message', text: 'somebody said something' }")],
  resume: [inIndex("['--resume', session.resume.agentSessionId]", '[]')],
  continue: REPEATS,
}

describe('a plugin that is broken in one point fails', () => {
  it.concurrent.each(Object.entries(BROKEN))('the point %s', async (id, edits) => {
    using starter = await makeStarter(edits)
    const { ok, points } = await checkPlugin({
      folder: starter.folder,
      patienceMs: id === 'ends' ? 500 : 20_000,
      longestLine: 10_000_000,
    })
    const failed = points.filter(({ status }) => status === 'failed')
    expect({ ok, failed: failed.map((point) => point.id), points: points.length > 0 }).toEqual({
      ok: false,
      failed: [id],
      points: true,
    })
  })
})
