/**
 * The archive of one log: a file of gzip members, so that `zcat` gives it whole and any part of it is read without the
 * rest. Its lines are messages as they travel, a page in each member; then the whole bodies of messages that have only
 * a preview, each a member of its own: `{"sessionId":..,"seq":..,"body":{..}}`.
 *
 * A file appears under its name only when it is complete and on the disk.
 */
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip, type ZlibOptions } from 'node:zlib'

/** The first sequence number in a member, where it begins, and its bytes. */
export type Block = readonly [seq: number, offset: number, length: number]

export interface Blocks {
  readonly messages: readonly Block[]
  readonly bodies: readonly Block[]
}

/** Lines of one member. */
export interface Lines {
  readonly seq: number
  readonly lines: readonly string[]
}

export interface ArchiveContent {
  readonly messages: AsyncIterable<Lines>
  readonly bodies: AsyncIterable<Lines>
}

const compress = promisify<Buffer, Buffer>(gzip)
const expand = promisify<Buffer, ZlibOptions, Buffer>(gunzip)

/** More than the longest message has; a few kilobytes of a hostile file could become gigabytes. */
const MOST_BYTES = 256 * 1024 * 1024

export const PARTIAL = '.partial'

/** @throws what the file system throws; then there is no file, or the one of before. */
export async function writeArchive(path: string, content: ArchiveContent): Promise<Blocks> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const partial = `${path}${PARTIAL}`
  await rm(partial, { force: true })
  try {
    const blocks = await writePartial(partial, content)
    await rename(partial, path)
    await syncFolder(folder)
    return blocks
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function writePartial(partial: string, content: ArchiveContent): Promise<Blocks> {
  await using file = await open(partial, 'wx', 0o600)
  const messages = await appendMembers(file, content.messages, 0)
  const bodies = await appendMembers(file, content.bodies, messages.end)
  await file.sync()
  return { messages: messages.blocks, bodies: bodies.blocks }
}

async function appendMembers(file: FileHandle, members: AsyncIterable<Lines>, start: number) {
  const blocks: Block[] = []
  let end = start
  for await (const { seq, lines } of members) {
    const packed = await compress(Buffer.from(`${lines.join('\n')}\n`))
    await file.writeFile(packed)
    blocks.push([seq, end, packed.length])
    end += packed.length
  }
  return { blocks, end }
}

/** A new name is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

/** @throws what the file system or zlib throws, for example when the member is damaged or longer than `mostBytes`. */
export async function readMember(
  path: string,
  [, offset, length]: Block,
  mostBytes: number = MOST_BYTES,
): Promise<string[]> {
  await using file = await open(path, 'r')
  const packed = Buffer.alloc(length)
  const { bytesRead } = await file.read(packed, 0, length, offset)
  if (bytesRead < length) throw new Error('the file is shorter than it was written')
  return (await expand(packed, { maxOutputLength: mostBytes })).toString().slice(0, -1).split('\n')
}
