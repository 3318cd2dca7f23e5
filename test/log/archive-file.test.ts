import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readMember } from '../../core/log/archive-file.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

test('a member that would become larger than any message is not read to its end', async () => {
  using folder = makeTemporaryFolder()
  const file = join(folder.path, 'bomb.gz')
  writeFileSync(file, gzipSync(Buffer.alloc(4 * 1024 * 1024, 'x\n')))
  const block = [1, 0, statSync(file).size] as const
  expect((await readMember(file, block)).length).toBe(2 * 1024 * 1024)
  await expect(readMember(file, block, 1024 * 1024)).rejects.toMatchObject({ code: 'ERR_BUFFER_TOO_LARGE' })
})
