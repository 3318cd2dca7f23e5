/**
 * A lock between processes that want to install into one clone. It owns a folder whose modification time its holder
 * renews; making a folder is atomic on every file system.
 * 1. At most one process holds the lock.
 * 2. A lock that was not renewed for STALE_MS belongs to a dead process and may be taken over.
 */
import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const STALE_MS = 15_000
const RENEW_MS = 2_000
const LOOK_MS = 200

function take(folder) {
  mkdirSync(dirname(folder), { recursive: true })
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}

function isStale(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs > STALE_MS
  } catch {
    return false // Released in this moment.
  }
}

function renew(folder) {
  try {
    utimesSync(folder, new Date(), new Date())
  } catch {
    // Removed by hand. The work goes on; whoever comes next looks at what it left.
  }
}

const release = (folder) => rmSync(folder, { recursive: true, force: true })

async function waitFor(folder, { limitMs, onWait }) {
  const deadline = Date.now() + limitMs
  let waits = false
  while (!take(folder)) {
    if (Date.now() > deadline) return false
    if (!waits) onWait()
    waits = true
    await sleep(LOOK_MS)
    if (isStale(folder)) release(folder)
  }
  return true
}

/**
 * Runs `work` while holding the lock.
 * @param {string} folder Does not exist while nobody holds the lock.
 * @param {{ limitMs: number, onWait: () => void }} options `onWait` is called once if another process holds it.
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} False when the lock did not become free within `limitMs`.
 */
export async function withLock(folder, options, work) {
  if (!(await waitFor(folder, options))) return false
  const renewal = setInterval(renew, RENEW_MS, folder)
  try {
    await work()
  } finally {
    clearInterval(renewal)
    release(folder)
  }
  return true
}
