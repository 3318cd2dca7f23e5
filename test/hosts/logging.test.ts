import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openLogger } from '../../hosts/logging.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

function makeLogs() {
  const folder = makeTemporaryFolder()
  const logs = join(folder.path, 'logs')
  mkdirSync(logs)
  return { logs, file: join(logs, 'host.log'), [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('the log of a host', () => {
  it('has every line at once, with an error told in full', () => {
    using place = makeLogs()
    using logger = openLogger({ dataDirectory: place, env: {} })
    logger.error({ error: new Error('broken'), taskId: 't' }, 'It broke.')
    const line: unknown = JSON.parse(readFileSync(place.file, 'utf8'))
    expect(line).toMatchObject({ msg: 'It broke.', taskId: 't', error: { message: 'broken' } })
    expect(statSync(place.file).mode & 0o777).toBe(0o600)
  })

  it('hides the values of fields that hold secrets', () => {
    using place = makeLogs()
    using logger = openLogger({ dataDirectory: place, env: {} })
    logger.info({ token: 'hunter2', request: { authorization: 'hunter2', env: { KEY: 'hunter2' } } }, 'A call.')
    expect(readFileSync(place.file, 'utf8')).toContain('A call.')
    expect(readFileSync(place.file, 'utf8')).not.toContain('hunter2')
  })

  it('tells a terminal of warnings only when asked, and never of less', () => {
    using place = makeLogs()
    let shown = ''
    const diagnostics = new Writable({
      write(chunk: Buffer, _encoding, done) {
        shown += chunk.toString()
        done()
      },
    })
    using logger = openLogger({ dataDirectory: place, env: {}, diagnostics })
    logger.info({}, 'quiet')
    logger.warn({}, 'loud')
    expect(shown).toContain('loud')
    expect(shown).not.toContain('quiet')
  })

  it('begins a new file when the old one is large', () => {
    using place = makeLogs()
    writeFileSync(place.file, 'old')
    truncateSync(place.file, 11 * 1024 * 1024)
    using logger = openLogger({ dataDirectory: place, env: {}, rotate: true })
    logger.info({}, 'new')
    expect(statSync(`${place.file}.1`).size).toBe(11 * 1024 * 1024)
    expect(statSync(place.file).size).toBeLessThan(1000)
  })

  it('takes its level from TROUPE_LOG_LEVEL, and refuses one that there is not', () => {
    using place = makeLogs()
    using logger = openLogger({ dataDirectory: place, env: { TROUPE_LOG_LEVEL: 'error' } })
    logger.warn({}, 'not logged')
    expect(readFileSync(place.file, 'utf8')).toBe('')
    expect(() => openLogger({ dataDirectory: place, env: { TROUPE_LOG_LEVEL: 'loud' } })).toThrow(/TROUPE_LOG_LEVEL/)
  })
})
