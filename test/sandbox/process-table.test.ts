import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { findFamily, toKey } from '../../core/sandbox/descendants.ts'
import { endProcesses } from '../../core/sandbox/end-processes.ts'
import { type ProcessEntry, procTable, psTable, shareScans } from '../../core/sandbox/process-table.ts'
import { PATH, waitFor } from './helpers.ts'

const tables = { proc: procTable, ps: psTable }

test.each(['proc', 'ps'] as const)('%s shows this process with its parent, the same each time', async (name) => {
  const table = tables[name]
  const self = (await table.scan()).find(({ pid }) => pid === process.pid)!
  expect(self).toMatchObject({ ppid: process.ppid, dead: false })
  expect(await table.identify(process.pid)).toEqual({ pid: self.pid, startTime: self.startTime })
  expect(await table.isAlive(self)).toBe(true)
  expect(await table.isAlive({ ...self, startTime: `${self.startTime}0` })).toBe(false)
})

test.each(['proc', 'ps'] as const)('%s knows of no process that has ended', async (name) => {
  const child = spawn('/bin/true', [], { env: {}, stdio: 'ignore' })
  await once(child, 'exit')
  expect(await tables[name].identify(child.pid!)).toBeUndefined()
  expect((await tables[name].scan()).some(({ pid }) => pid === child.pid)).toBe(false)
})

test.each(['proc', 'ps'] as const)('by %s a tree is ended, SIGTERM ignored or not', async (name) => {
  const script = 'trap "" TERM; sleep 300 & (sh -c "sleep 300 & echo ready; wait" &) ; while :; do sleep 0.05; done'
  const root = spawn('/bin/sh', ['-c', script], { env: { PATH }, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  await once(root.stdout, 'data')
  const wrapper = (await tables[name].identify(root.pid!))!
  const { ended, left } = await endProcesses(tables[name], { wrappers: [wrapper], marked: () => false }, 100)
  expect(left).toEqual([])
  expect(ended.length).toBeGreaterThanOrEqual(4)
  await waitFor(async () => (await procTable.scan()).every(({ pgid, dead }) => dead || pgid !== root.pid) || undefined)
})

test('a process between fork and exec is not overlooked', async () => {
  const script = 'i=0; while [ $i -lt 150 ]; do i=$((i+1)); setsid sleep 300 & done; wait'
  const env = { PATH, TROUPE_PROCESS: '/nowhere/storm' }
  const storm = spawn('/bin/sh', ['-c', script], { env, stdio: 'ignore', detached: true })
  await once(storm, 'spawn')
  const condemned = { wrappers: [], marked: (folder: string) => folder === '/nowhere/storm' }
  expect((await endProcesses(procTable, condemned, 0)).left).toEqual([])
  expect((await procTable.scan()).filter(({ marker, dead }) => !dead && marker === '/nowhere/storm')).toEqual([])
})

test('callers that come during a scan share the next one', async () => {
  let scans = 0
  const table = shareScans({ ...procTable, scan: () => procTable.scan().finally(() => scans++) })
  const first = table.scan()
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, table.scan(), table.scan(), table.scan()])
  expect(scans).toBe(2)
})

/** A process that leads its own group and session, unless `more` says otherwise. */
const entry = (pid: number, ppid: number, more: Partial<ProcessEntry> = {}): ProcessEntry => ({
  pid,
  ppid,
  pgid: pid,
  sid: pid,
  startTime: `boot/${pid}`,
  dead: false,
  ...more,
})
const pids = (entries: readonly ProcessEntry[]) => entries.map(({ pid }) => pid).toSorted((a, b) => a - b)
const none = () => false

test('a family holds children found before their parents, group, session and marked strangers', () => {
  const table = [
    entry(9_100_001, 9_100_003),
    entry(9_100_002, 1, { pgid: 9_100_004 }),
    entry(9_100_003, 9_100_004),
    entry(9_100_004, 1),
    entry(9_100_005, 1, { sid: 9_100_001 }),
    entry(9_100_006, 1, { marker: '/run/a' }),
    entry(9_100_007, 1, { marker: '/run/b' }),
    entry(9_100_008, 9_100_004, { dead: true }),
  ]
  const known = new Set([toKey(table[3]!)])
  const family = findFamily(table, { known, marked: (folder) => folder === '/run/a' })
  expect(pids(family)).toEqual([9_100_001, 9_100_002, 9_100_003, 9_100_004, 9_100_005, 9_100_006])
})

test('the number of a process that ended leads to nobody', () => {
  const table = [entry(9_100_001, 1, { startTime: 'later' }), entry(9_100_002, 9_100_001)]
  expect(findFamily(table, { known: new Set(['9100001@boot/9100001']), marked: none })).toEqual([])
})

test('this host and its ancestors are spared, whatever they carry', () => {
  const table = [
    entry(9_100_001, 1, { marker: '/run/a' }),
    entry(process.pid, 9_100_001, { marker: '/run/a' }),
    entry(9_100_002, 1, { marker: '/run/a' }),
  ]
  expect(pids(findFamily(table, { known: new Set(), marked: () => true }))).toEqual([9_100_002])
})
