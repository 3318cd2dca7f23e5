/** Runners of one data directory, one after the other, with real threads, processes and a database, and no engine. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { Message } from '../../core/contract/messages.ts'
import type { KnownQuestion, SessionReport, SessionSpec } from '../../core/engine/ports.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import type { SessionLog } from '../../core/log/types.ts'
import { openPluginHost } from '../../core/plugin/plugin-host.ts'
import { type LocalRunner, makeLocalRunner } from '../../core/runner/local-runner.ts'
import type { RunnerDeps } from '../../core/runner/ports.ts'
import { makeProcessSandbox } from '../../core/sandbox/process-sandbox.ts'
import { lastSeq, readMessages } from '../../core/store/messages.ts'
import { getProgress } from '../../core/store/progress.ts'
import { sqlite } from '../helpers/databases.ts'
import { openSample, type Sample } from '../store/sample.ts'

const PLUGINS = fileURLToPath(new URL('../../fixtures/plugins', import.meta.url))

export interface Hosts extends AsyncDisposable {
  readonly sessionId: string
  /** Of the session. */
  readonly folder: string
  readonly runner: LocalRunner
  /** What the runners have reported, each id once. */
  readonly reports: readonly SessionReport[]
  /** What people have answered: for the next runner. */
  readonly questions: KnownQuestion[]
  /** Another runner takes the place of this one, which leaves or ends its sessions. */
  next(atEnd: 'leave' | 'end', changes?: Partial<RunnerDeps>): Promise<void>
  /** Starts the session, or recovers it from what is stored. */
  start(prompt: string, changes?: Partial<SessionSpec>): Promise<void>
  recover(prompt: string, changes?: Partial<SessionSpec>): Promise<void>
  log(): Promise<Message[]>
  /** What the agent has said. */
  texts(): Promise<string[]>
  untilTexts(texts: readonly string[]): Promise<void>
  untilReported(type: SessionReport['type']): Promise<void>
  readonly ended: (SessionReport & { type: 'ended' }) | undefined
}

interface Opened extends AsyncDisposable {
  readonly runner: LocalRunner
  readonly log: SessionLog
}

export async function openHosts(changes: Partial<RunnerDeps> = {}): Promise<Hosts> {
  const sample = await openSample(sqlite)
  const runRoot = await realpath(await mkdtemp(join(tmpdir(), 'troupe-run-')))
  const sessionId = await sample.addSessionId()
  const reports = new Map<string, SessionReport>()
  const questions: KnownQuestion[] = []
  let atEnd: 'leave' | 'end' = 'end'

  async function report(_: string, said: SessionReport, id = `${said.type} ${reports.size}`): Promise<void> {
    if (reports.has(id)) return
    reports.set(id, said)
    if (said.type === 'asked') questions.push({ id: said.question.questionId, status: 'pending' })
  }

  const open = async (more: Partial<RunnerDeps>): Promise<Opened> =>
    openRunner(sample, { report, runRoot, atEnd: () => atEnd, ...changes, ...more })
  let current = await open({})

  const specOf = async (prompt: string, more: Partial<SessionSpec> = {}): Promise<SessionSpec> => {
    const place = {
      taskId: 't',
      title: 't',
      agent: 'script',
      repositoryPath: runRoot,
      baseBranch: 'm',
      branchName: 'b',
    }
    const stored = await sample.store.read(async (tx) => ({
      progress: await getProgress(tx, sessionId),
      lastSeq: await lastSeq(tx, sessionId),
    }))
    const mode = { permissionMode: 'full', sandbox: 'process' } as const
    return {
      sessionId,
      agent: 'script',
      ...mode,
      prompt,
      place: { ...place, worktreePath: runRoot },
      questions,
      ...stored,
      ...more,
    }
  }

  const log = async (): Promise<Message[]> => {
    const page = { sessionId, after: 0, limit: 1000, maxBytes: 1e7 }
    const entries = await sample.store.read((tx) => readMessages(tx, page))
    return entries.map(({ json }) => JSON.parse(json))
  }
  const texts = async () => (await log()).flatMap((message) => (message.type === 'text' ? [message.content] : []))

  return {
    sessionId,
    folder: join(runRoot, sessionId),
    questions,
    log,
    texts,
    get runner() {
      return current.runner
    },
    get reports() {
      return [...reports.values()]
    },
    get ended() {
      return [...reports.values()].find((said) => said.type === 'ended')
    },
    async next(how, more = {}) {
      atEnd = how
      await current[Symbol.asyncDispose]()
      current = await open(more)
    },
    start: async (prompt, more) => current.runner.start(await specOf(prompt, more)),
    async recover(prompt, more) {
      const spec = await specOf(prompt, more)
      current.runner.recover([spec])
      await current.runner.start(spec)
    },
    untilTexts: (wanted) => expect.poll(texts).toEqual(wanted),
    untilReported: (type) => expect.poll(() => [...reports.values()].map((said) => said.type)).toContain(type),
    async [Symbol.asyncDispose]() {
      atEnd = 'end'
      await current[Symbol.asyncDispose]()
      await sample[Symbol.asyncDispose]()
      await rm(runRoot, { recursive: true, force: true })
    },
  }
}

type Given = Pick<RunnerDeps, 'report' | 'runRoot' | 'atEnd'> & Partial<RunnerDeps>

async function openRunner(sample: Sample, given: Given): Promise<Opened> {
  await using opening = new AsyncDisposableStack()
  const common = { clock: systemClock, logger: silentLogger }
  const log = opening.use(openSessionLog({ store: sample.store, ...common }))
  const plugins = opening.use(await openPluginHost({ bundled: PLUGINS, ...common }))
  const sandbox = opening.use(makeProcessSandbox(common))
  const runner = makeLocalRunner({
    ...common,
    log,
    plugins,
    sandbox,
    workspace: {
      prepare: async () => ({ path: given.runRoot, baseCommit: 'abc', notices: [] }),
      headCommit: async () => undefined,
    },
    setup: () => ({ settings: { args: [] }, env: {}, secrets: [], idleMs: 0 }),
    hostEnv: { PATH: process.env['PATH'] },
    packageRoot: '/nowhere',
    drives: true,
    ...given,
  })
  opening.use(runner)
  const opened = opening.move()
  return { runner, log, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
