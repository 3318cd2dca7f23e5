/**
 * A session whose surroundings fail: what it still guarantees. The ports have stand-ins, because these failures cannot be made
 * for real: a process that survives SIGKILL, a log that refuses one batch for good.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { TroupeError } from '../../core/base/errors.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { SessionReport } from '../../core/engine/ports.ts'
import type { LogBatch } from '../../core/log/types.ts'
import { IdleWatches } from '../../core/runner/idle-watch.ts'
import type { RunnerDeps } from '../../core/runner/ports.ts'
import type { RunDeps } from '../../core/runner/session-parts.ts'
import { SessionFolders } from '../../core/runner/session-folders.ts'
import { SessionRun } from '../../core/runner/session-run.ts'
import { FolderWatches } from '../../core/sandbox/folder-watches.ts'
import type { SandboxProcess } from '../../core/sandbox/types.ts'
import { makeTestClock } from '../engine/workbench.ts'

const survivor: SandboxProcess = {
  pid: 1,
  exited: new Promise(() => {}),
  async *output() {},
  write: async () => {},
  signal: async () => {},
  stop: () => Promise.reject(new TroupeError('PROCESS_LEFT', 'Process 1 survived SIGKILL.')),
  [Symbol.asyncDispose]: () => survivor.stop().then(() => {}),
}

async function openBench(overrides: Partial<RunDeps>, { known = false } = {}) {
  const runRoot = await mkdtemp(join(tmpdir(), 'troupe-run-'))
  const reports: SessionReport[] = []
  const deps: RunDeps = {
    log: { append: async () => {}, delta() {}, close() {} },
    plugins: { run: async () => ({ kind: 'complete', success: true }) },
    sandbox: {
      spawn: async () => survivor,
      attach: async () => undefined,
      complete() {},
      [Symbol.asyncDispose]: async () => {},
    },
    workspace: {
      prepare: async () => ({ path: runRoot, baseCommit: 'abc', notices: [] }),
      headCommit: async () => undefined,
    },
    setup: () => ({ settings: { args: [] }, env: {}, secrets: [], idleMs: 0 }),
    report: async (_, report) => void reports.push(report),
    hostEnv: {},
    packageRoot: '/nowhere',
    runRoot,
    clock: systemClock,
    logger: silentLogger,
    drives: true,
    atEnd: () => 'end',
    idle: new IdleWatches(systemClock),
    watches: new FolderWatches(systemClock),
    folders: new SessionFolders({ runRoot, clock: makeTestClock(), sandbox: { complete() {} } }),
    unmasked: new Set(),
    cleared: Promise.resolve(),
    ...overrides,
  }
  const place = {
    taskId: 't',
    title: 't',
    agent: 'a',
    repositoryPath: runRoot,
    baseBranch: 'main',
    branchName: 'b',
    ...(known && { worktreePath: runRoot, baseCommit: 'abc' }),
  }
  const run = new SessionRun(deps, {
    sessionId: 's',
    place,
    agent: 'a',
    permissionMode: 'full',
    sandbox: 'process',
    prompt: 'do it',
    lastSeq: 0,
  })
  return { run, reports, [Symbol.asyncDispose]: () => rm(runRoot, { recursive: true, force: true }) }
}

describe('a session', () => {
  test('reports its worktree, unless the task knows it', async () => {
    for (const known of [false, true]) {
      await using bench = await openBench({}, { known })
      await bench.run.done
      expect(bench.reports.map(({ type }) => type)).toEqual(known ? ['ended'] : ['prepared', 'ended'])
    }
  })

  test('says that a process is left, also when it was told to stop', async () => {
    const begun = Promise.withResolvers<void>()
    const plugins: RunnerDeps['plugins'] = {
      async run({ io, signal }) {
        await io.spawn({ program: 'agent', args: [] })
        begun.resolve()
        await new Promise((settle) => signal.addEventListener('abort', settle))
        return { kind: 'stopped' }
      },
    }
    await using bench = await openBench({ plugins })
    await begun.promise
    bench.run.stop({ kind: 'asked' })
    await bench.run.done
    expect(bench.reports.at(-1)).toMatchObject({ type: 'ended', outcome: 'failed', error: { code: 'PROCESS_LEFT' } })
  })

  test('ends as failed, with the reason, when its configuration cannot be used', async () => {
    const setup = () => {
      throw new TroupeError('CONFIG_INVALID', 'The file is broken.')
    }
    await using bench = await openBench({ setup })
    await bench.run.done
    expect(bench.reports.at(-1)).toMatchObject({ type: 'ended', outcome: 'failed', error: { code: 'CONFIG_INVALID' } })
  })

  test('is not ended for a silence while the log takes nothing, but for one that comes after', async () => {
    const clock = makeTestClock()
    const [writing, room] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const append = async () => {
      writing.resolve()
      await room.promise
    }
    const spoken = Promise.withResolvers<AbortSignal>()
    const plugins: RunnerDeps['plugins'] = {
      async run({ io, signal }) {
        const stopped = new Promise((settle) => signal.addEventListener('abort', settle))
        await io.append([{ type: 'text', json: '{"type":"text","content":"x"}' }], { offsets: [] })
        spoken.resolve(signal)
        await stopped
        return { kind: 'stopped' }
      },
    }
    await using bench = await openBench({
      plugins,
      idle: new IdleWatches(clock),
      setup: () => ({ settings: { args: [] }, env: {}, secrets: [], idleMs: 1000 }),
      log: { append, delta() {}, close() {} },
    })
    await writing.promise
    clock.advance(5000)
    room.resolve()
    const { aborted } = await spoken.promise
    expect(aborted).toBe(false)
    clock.advance(1000)
    await bench.run.done
    expect(bench.reports.at(-1)).toMatchObject({ type: 'ended', outcome: 'failed', error: { code: 'AGENT_IDLE' } })
  })

  test('takes a message again that could not be written the first time', async () => {
    const heard = Promise.withResolvers<string>()
    let refusals = 1
    const append = async ({ drafts }: LogBatch) => {
      if (drafts.some(({ json }) => json.includes('and docs')) && refusals-- > 0) throw new Error('not now')
    }
    const plugins: RunnerDeps['plugins'] = {
      async run({ io }) {
        for await (const { content } of io.followUps) {
          heard.resolve(content)
          break
        }
        return { kind: 'complete', success: true }
      },
    }
    await using bench = await openBench({ plugins, log: { append, delta() {}, close() {} } })
    const message = { id: 'm', content: 'and docs' }
    await expect(bench.run.send(message)).rejects.toThrow('not now')
    expect(await bench.run.send(message)).toBe(true)
    expect(await heard.promise).toBe('and docs')
    await bench.run.done
  })
})
