/**
 * Looks at the write-ahead log that a killed program left, before SQLite does: SQLite takes its frames up to the first
 * that is damaged and forgets the rest without a word. What a crash leaves is a torn end, with at most one transaction
 * after the tear, because each commit is on the disk before the next begins; two or more mean that commits are lost
 * which were confirmed. Then a copy is kept and the loss is said.
 *
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, copyFileSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const BIG_ENDIAN_SUMS = 0x377f0683
const LARGEST_PAGE = 65_536

/** Warns of commits that are lost and keeps a copy of the damaged file; nothing else is touched, and nothing is refused. */
export function keepDamagedWal(file: string, { clock, logger }: { clock: Clock; logger: Logger }): void {
  const wal = `${file}-wal`
  try {
    const lost = commitsAfterDamage(wal)
    // One may be the transaction that was being written.
    if (lost < 2) return
    const copy = `${wal}.damaged-${clock.now()}`
    copyFileSync(wal, copy, constants.COPYFILE_EXCL)
    logger.error(
      { file: wal, copy, commits: lost },
      `The write-ahead log of the database is damaged: what was stored last is lost. A copy of it is in ${copy}. Check the disk.`,
    )
  } catch (error) {
    logger.error({ err: error, file: wal }, 'The write-ahead log of the database could not be looked at.')
  }
}

/** Commits behind the first frame that is not what was written; 0 when all is well or there is no such file. */
export function commitsAfterDamage(wal: string): number {
  const file = openIfThere(wal)
  if (file === undefined) return 0
  try {
    return fstatSync(file).size <= HEADER_BYTES ? 0 : countAfterDamage(file)
  } finally {
    closeSync(file)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

interface Sums {
  readonly a: number
  readonly b: number
}

/** A frame belongs to this log when it has the salts of its header; others are left from before. */
function countAfterDamage(file: number): number {
  const header = Buffer.alloc(HEADER_BYTES)
  readSync(file, header, 0, HEADER_BYTES, 0)
  const pageBytes = header.readUInt32BE(8)
  if (pageBytes < 512 || pageBytes > LARGEST_PAGE) return 0
  const bigEndian = header.readUInt32BE(0) === BIG_ENDIAN_SUMS
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + pageBytes)
  let sums: Sums | undefined = addSums({ a: 0, b: 0 }, header.subarray(0, 24), bigEndian)
  if (!holdsSums(header, 24, sums)) sums = undefined
  const salts = Buffer.from(header.subarray(16, 24))
  // A head that is damaged does not say which frames are of this log; the first one does.
  if (!sums) readSync(file, salts, 0, salts.length, HEADER_BYTES + 8)
  let commits = 0
  for (let at = HEADER_BYTES; readSync(file, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    if (!frame.subarray(8, 16).equals(salts)) {
      sums = undefined
      continue
    }
    if (sums) {
      sums = addSums(addSums(sums, frame.subarray(0, 8), bigEndian), frame.subarray(FRAME_HEADER_BYTES), bigEndian)
      if (!holdsSums(frame, 16, sums)) sums = undefined
    }
    if (!sums && frame.readUInt32BE(4) > 0) commits += 1
  }
  return commits
}

const holdsSums = (bytes: Buffer, at: number, { a, b }: Sums): boolean =>
  bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b

function addSums({ a, b }: Sums, bytes: Buffer, bigEndian: boolean): Sums {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let [first, second] = [a, b]
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + words.getUint32(at, !bigEndian) + second) >>> 0
    second = (second + words.getUint32(at + 4, !bigEndian) + first) >>> 0
  }
  return { a: first, b: second }
}
